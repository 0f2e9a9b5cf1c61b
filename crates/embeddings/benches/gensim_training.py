"""word2vec training with gensim, to be timed beside training.rs.

pip install gensim
taskset -c 0 python gensim_training.py TEXT [skip-gram|cbow] [THREADS] [OUT.bin]
"""

import sys
import time

from gensim.models import Word2Vec

text, kind, threads = sys.argv[1], (sys.argv + ["skip-gram"])[2], int((sys.argv + ["skip-gram", "1"])[3])
cbow = kind == "cbow"
model = Word2Vec(
    vector_size=100, window=5, negative=5, sample=1e-3, min_count=5, sg=0 if cbow else 1, workers=threads, seed=1,
    alpha=0.05 if cbow else 0.025, epochs=1,
)
model.build_vocab(corpus_file=text)
processor, wall = time.process_time(), time.time()
model.train(corpus_file=text, total_words=model.corpus_total_words, total_examples=model.corpus_count, epochs=1)
processor, wall = time.process_time() - processor, time.time() - wall
million = model.corpus_total_words / 1e6
print(f"gensim {kind} threads {threads}: {million / wall:.3f} M words/s, {million / processor:.3f} M words a processor second")
if len(sys.argv) > 4:
    model.wv.save_word2vec_format(sys.argv[4], binary=True)
