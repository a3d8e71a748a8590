"""Near duplicates: which rows of a file say nearly the same, in flat memory and the same on any machine.

What counts, in one place. A row's text is its prompt and its answer, without a system or developer message at
its head. It is read without regard to case, white space and punctuation (signs that carry meaning, such as
`+ = / % $ #`, stay). Two rows are near duplicates

- when these texts and the messages at their heads are equal, however short they are; or
- when the Jaccard similarity of their shingles is at least 0.6 and each has at least 8 shingles of its own.

A shingle is a window of 16 bytes that begins at a word (at each character of scripts without spaces): two or
three words, so that one changed word in a row of thirty leaves about 0.8. Shingles that stand in very many rows
(`common_limit`) are a template or an instruction that the rows share, and do not count: rows that fill in the
same form are not near duplicates for that. Of a row with more than 64 shingles a sample of about 64 decides,
the same shingles in every row, so there the similarity is measured to within ± 0.1.

Candidates come from MinHash signatures (rensa) in bands; each candidate pair is then measured on its shingles.
Clusters are what pairs connect. Neither the order of the rows nor exact copies of rows change the clusters.
"""

from trainer.data.similar.clusters import Clusters, firsts, join, roots_of
from trainer.data.similar.texts import Texts, own_texts

__all__ = ["Clusters", "Texts", "firsts", "join", "own_texts", "roots_of"]
