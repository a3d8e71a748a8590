"""Mending a file on the sandbox's page, as somebody with a mouse does."""

from __future__ import annotations

from pathlib import Path

from bot.door import Door
from bot.sandbox.driver import SandboxDriver
from tests.bot.test_dataset_desk import TABLE, TRAILING
from tests.browser import needs_chromium, open_page


@needs_chromium
def test_a_file_is_mended_and_columns_are_confirmed_with_a_mouse(
    bot: Door, driver: SandboxDriver, tmp_path: Path
) -> None:
    (tmp_path / "pairs.json").write_text(TRAILING)
    (tmp_path / "faq.csv").write_text(TABLE.replace("frage,reply text", "question,answer_text"))
    with open_page(driver.base_url) as page:
        for name in ("pairs.json", "faq.csv"):
            page.get_by_test_id("upload-input").set_input_files(tmp_path / name)
            page.get_by_test_id("send").click()
            page.get_by_text(name).first.wait_for(timeout=30_000)
        thread = page.get_by_test_id("thread-panel")
        page.get_by_test_id("open-thread").nth(0).click(timeout=30_000)
        thread.get_by_test_id("dataset_fix").click(timeout=30_000)
        thread.get_by_text("is mended").first.wait_for(timeout=30_000)
        thread.get_by_test_id("dataset_train").first.wait_for(timeout=30_000)

        page.get_by_test_id("open-thread").nth(1).click()
        thread.get_by_test_id("dataset_choose_columns").click(timeout=30_000)
        page.get_by_role("button", name="Use them").click(timeout=30_000)
        thread.get_by_text("are chosen").first.wait_for(timeout=30_000)
        thread.get_by_test_id("dataset_train").wait_for(timeout=30_000)
