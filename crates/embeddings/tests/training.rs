//! The trainer: the same bits for any number of threads, exact resuming, and vectors that mean something.

use std::ops::ControlFlow;

use ognivo_embeddings::WordVectors;
use ognivo_embeddings::corpus::planted::{self, planted};
use ognivo_embeddings::corpus::{Corpus, Vocabulary};
use ognivo_embeddings::train::{Architecture, Loss};
use ognivo_embeddings::word2vec::{Trained, Word2VecConfig, train};

fn corpus(words: usize) -> (Corpus, Vocabulary) {
    Corpus::from_text(&planted(words, 1), 5).unwrap()
}

fn small() -> Word2VecConfig {
    Word2VecConfig { dim: 20, epochs: 2, ..Word2VecConfig::default() }
}

fn trained(config: &Word2VecConfig, corpus: &Corpus, vocabulary: &Vocabulary) -> Trained {
    train(config, corpus, vocabulary, None, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (corpus, vocabulary) = corpus(12_000);
    for architecture in [Architecture::SkipGram, Architecture::Cbow] {
        for loss in [Loss::Negative, Loss::Hierarchical] {
            let config = Word2VecConfig { architecture, loss, ..small() };
            let one = with_threads(1, || trained(&config, &corpus, &vocabulary));
            for threads in [2, 5] {
                let more = with_threads(threads, || trained(&config, &corpus, &vocabulary));
                assert!(
                    one.inputs == more.inputs && one.outputs == more.outputs,
                    "{architecture:?} {loss:?} {threads}"
                );
            }
            let other = trained(&Word2VecConfig { seed: 2, ..config }, &corpus, &vocabulary);
            assert!(one.inputs != other.inputs);
        }
    }
}

#[test]
fn stopping_and_going_on_changes_no_bit() {
    let (corpus, vocabulary) = corpus(150_000);
    let whole = trained(&small(), &corpus, &vocabulary);
    assert!(whole.places.is_none() && whole.tokens == 2 * vocabulary.tokens());
    let mut calls = 0;
    let mut earlier = None;
    loop {
        let part = train(&small(), &corpus, &vocabulary, earlier, &mut |_, _| ControlFlow::Break(())).unwrap();
        calls += 1;
        if part.places.is_none() {
            assert!(part.inputs == whole.inputs && part.outputs == whole.outputs);
            break;
        }
        // As a file would keep them.
        let places = serde_json::from_str(&serde_json::to_string(&part.places).unwrap()).unwrap();
        earlier = Some(Trained { places, ..part });
    }
    assert!(calls >= 2, "{calls}");
}

/// The share of each word's ten nearest neighbours that are of its topic.
fn score(config: &Word2VecConfig) -> f64 {
    let (corpus, vocabulary) = corpus(100_000);
    let trained = trained(config, &corpus, &vocabulary);
    planted::score(&WordVectors::new(vocabulary.names().clone(), trained.inputs).unwrap(), 10).share
}

#[test]
fn words_of_a_topic_become_neighbours() {
    let config = Word2VecConfig { dim: 32, sample: 1e-2, ..Word2VecConfig::default() };
    // Nine in ten words are of other topics.
    for (architecture, loss, hogwild) in [
        (Architecture::SkipGram, Loss::Negative, false),
        (Architecture::SkipGram, Loss::Negative, true),
        (Architecture::SkipGram, Loss::Hierarchical, false),
        (Architecture::SkipGram, Loss::Softmax, false),
        (Architecture::SkipGram, Loss::OneVsAll, false),
        (Architecture::Cbow, Loss::Negative, false),
        (Architecture::Cbow, Loss::Hierarchical, false),
    ] {
        let found = score(&Word2VecConfig { architecture, loss, hogwild, ..config.clone() });
        println!("{architecture:?} {loss:?} hogwild {hogwild}: {found:.3}");
        assert!(found > 0.8, "{architecture:?} {loss:?} hogwild {hogwild}: {found}");
    }
}

#[test]
fn settings_without_meaning_are_refused() {
    let (corpus, vocabulary) = corpus(2000);
    for (config, part) in [
        (Word2VecConfig { dim: 0, ..small() }, "`dim`: found 0"),
        (Word2VecConfig { window: 0, ..small() }, "`window`: found 0"),
        (Word2VecConfig { epochs: 0, ..small() }, "`epochs`: found 0"),
        (Word2VecConfig { negative: 0, ..small() }, "`negative`: found 0"),
        (Word2VecConfig { sample: f64::NAN, ..small() }, "`sample`: found NaN"),
        (Word2VecConfig { learning_rate: -0.1, ..small() }, "`learning_rate`: found -0.1"),
    ] {
        let said = train(&config, &corpus, &vocabulary, None, &mut |_, _| ControlFlow::Continue(())).unwrap_err();
        assert!(said.to_string().contains(part), "{said}");
    }
}

/// A state that was saved with another text must not reach rows that are not there.
#[test]
fn what_belongs_to_another_text_is_refused() {
    let (long, words) = corpus(20_000);
    let (short, few) = Corpus::from_text(&"a b c d\n".repeat(20_000), 1).unwrap();
    let config = Word2VecConfig { epochs: 50, ..small() };
    let begun = |config: &_, corpus: &Corpus, vocabulary: &_, earlier| {
        train(config, corpus, vocabulary, earlier, &mut |_, _| ControlFlow::Break(()))
    };
    let of_long = begun(&config, &long, &words, None).unwrap();
    let of_short = begun(&config, &short, &few, None).unwrap();
    let places = of_long.places.clone();
    let said = begun(&config, &short, &few, Some(Trained { places, ..of_short })).unwrap_err().to_string();
    assert!(said.contains("with unknown words"), "{said}");
    let of_short = begun(&config, &short, &few, None).unwrap();
    let said = begun(&config, &long, &words, Some(of_short)).unwrap_err().to_string();
    assert!(said.contains("found 4 and 4 rows"), "{said}");
    assert!(of_long.places.is_some());
}
