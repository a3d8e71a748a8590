"""A local Slack: the unchanged bot talks to it with slack_sdk, people use its web page, tests drive it.

Start it with `python -m bot.sandbox`, or in a test:

    with running_sandbox() as sandbox:
        ada = SandboxDriver(sandbox.base_url).as_person(ADA)
        ada.say(FINE_TUNING, "@Tunesmith hello")
"""
