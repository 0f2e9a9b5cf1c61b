//! The trainer: the same bits for any number of threads, exact resuming, and vectors that mean something.

use std::ops::ControlFlow;

use ognivo_core::device;
use ognivo_embeddings::WordVectors;
use ognivo_embeddings::corpus::planted::{self, planted};
use ognivo_embeddings::corpus::{Corpus, Vocabulary};
use ognivo_embeddings::train::{Architecture, Engine, Loss};
use ognivo_embeddings::word2vec::{Trained, Word2VecConfig, train};

fn corpus(words: usize) -> (Corpus, Vocabulary) {
    Corpus::from_text(&planted(words, 1), 5).unwrap()
}

fn small() -> Word2VecConfig {
    Word2VecConfig { dim: 20, epochs: 2, ..Word2VecConfig::default() }
}

fn trained(config: &Word2VecConfig, corpus: &Corpus, vocabulary: &Vocabulary) -> Trained {
    train(&Engine::Cpu, config, corpus, vocabulary, None, &mut |_, _| ControlFlow::Continue(())).unwrap()
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
        let part =
            train(&Engine::Cpu, &small(), &corpus, &vocabulary, earlier, &mut |_, _| ControlFlow::Break(())).unwrap();
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

fn burn() -> Engine {
    Engine::Burn(device::parse("cpu").unwrap())
}

#[test]
fn the_engine_of_burn_does_not_depend_on_threads_and_can_be_gone_on_with() {
    let (corpus, vocabulary) = corpus(60_000);
    for (architecture, loss) in [(Architecture::SkipGram, Loss::Negative), (Architecture::Cbow, Loss::Hierarchical)] {
        let config = Word2VecConfig { architecture, loss, epochs: 4, ..small() };
        let run = |earlier, go_on: ControlFlow<()>| {
            train(&burn(), &config, &corpus, &vocabulary, earlier, &mut |_, _| go_on).unwrap()
        };
        let whole = with_threads(1, || run(None, ControlFlow::Continue(())));
        let more = with_threads(3, || run(None, ControlFlow::Continue(())));
        assert!(whole.inputs == more.inputs && whole.outputs == more.outputs, "{architecture:?} {loss:?}");
        assert!(whole.places.is_none() && whole.tokens == 4 * vocabulary.tokens());
        let part = run(None, ControlFlow::Break(()));
        assert!(part.places.is_some() && part.inputs != whole.inputs);
        let places = serde_json::from_str(&serde_json::to_string(&part.places).unwrap()).unwrap();
        let both = run(Some(Trained { places, ..part }), ControlFlow::Continue(()));
        assert!(whole.inputs == both.inputs && whole.outputs == both.outputs, "{architecture:?} {loss:?}");
    }
}

#[test]
fn what_an_engine_cannot_do_is_refused() {
    let (corpus, vocabulary) = corpus(150_000);
    let said = |engine: &Engine, config: &Word2VecConfig, earlier| {
        let error = train(engine, config, &corpus, &vocabulary, earlier, &mut |_, _| ControlFlow::Break(()));
        error.err().map_or_else(String::new, |error| error.to_string())
    };
    for (config, part) in [
        (Word2VecConfig { loss: Loss::Softmax, ..small() }, "`loss`: found softmax"),
        (Word2VecConfig { loss: Loss::OneVsAll, ..small() }, "`loss`: found onevsall"),
        (Word2VecConfig { hogwild: true, ..small() }, "`hogwild`: found true"),
    ] {
        assert!(said(&burn(), &config, None).contains(part), "{}", said(&burn(), &config, None));
    }
    let begun = |engine: &Engine| {
        train(engine, &small(), &corpus, &vocabulary, None, &mut |_, _| ControlFlow::Break(())).unwrap()
    };
    let (native, batched) = (begun(&Engine::Cpu), begun(&burn()));
    assert!(said(&burn(), &small(), Some(native)).contains("cpu, with which this training began"));
    assert!(said(&Engine::Cpu, &small(), Some(batched)).contains("burn, with which this training began"));
}

/// The share of each word's ten nearest neighbours that are of its topic.
fn score(engine: &Engine, config: &Word2VecConfig, words: usize) -> f64 {
    let (corpus, vocabulary) = corpus(words);
    let trained = train(engine, config, &corpus, &vocabulary, None, &mut |_, _| ControlFlow::Continue(())).unwrap();
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
        let found = score(&Engine::Cpu, &Word2VecConfig { architecture, loss, hogwild, ..config.clone() }, 100_000);
        println!("{architecture:?} {loss:?} hogwild {hogwild}: {found:.3}");
        assert!(found > 0.8, "{architecture:?} {loss:?} hogwild {hogwild}: {found}");
    }
}

#[test]
fn both_engines_give_the_same_scores() {
    // So little text that not everything can be learnt from it.
    for (architecture, loss, words) in [
        (Architecture::SkipGram, Loss::Negative, 20_000),
        (Architecture::SkipGram, Loss::Hierarchical, 10_000),
        (Architecture::Cbow, Loss::Negative, 40_000),
        (Architecture::Cbow, Loss::Hierarchical, 20_000),
    ] {
        let base =
            Word2VecConfig { dim: 32, sample: 1e-2, epochs: 1, learning_rate: 0.05, ..Word2VecConfig::default() };
        let config = Word2VecConfig { architecture, loss, ..base };
        let [native, batched] = [Engine::Cpu, burn()].map(|engine| score(&engine, &config, words));
        println!("{architecture:?} {loss:?}: cpu {native:.3}, burn {batched:.3}");
        assert!(native > 0.8 && (native - batched).abs() < 0.06, "{architecture:?} {loss:?}: {native} {batched}");
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
        let said = train(&Engine::Cpu, &config, &corpus, &vocabulary, None, &mut |_, _| ControlFlow::Continue(()))
            .unwrap_err();
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
        train(&Engine::Cpu, config, corpus, vocabulary, earlier, &mut |_, _| ControlFlow::Break(()))
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
