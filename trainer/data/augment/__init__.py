"""More rows through a language model: variations, paraphrases, and answers of a stronger model.

Nothing is asked before a person approved the cost. Dataset text goes in as data, what comes out is validated,
checked like any other row, compared with what is there, and labelled synthetic.
"""
