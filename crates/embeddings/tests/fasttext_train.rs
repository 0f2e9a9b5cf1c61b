//! Training of classifiers: the same for any number of threads, right on lines it has not seen, and smaller ones.

use std::path::PathBuf;
use std::time::Duration;

use ognivo_embeddings::fasttext::{Autotune, Config, LossKind, Model, Quantization, Tokens, train};
use ognivo_embeddings::train::Engine;
use ognivo_embeddings::{Error, Lookup};

/// Lines of words of three topics, with some words of all; every fourth line has two labels.
fn text(lines: usize, seed: u64) -> String {
    let mut state = seed;
    let mut draw = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut text = String::new();
    for line in 0..lines {
        let topic = draw(3);
        text += &format!("__label__{topic} ");
        let other = (topic + 1) % 3;
        if line % 4 == 0 {
            text += &format!("__label__{other} ");
        }
        for word in 0..8 {
            let of = if line % 4 == 0 && word % 2 == 0 { other } else { topic };
            match draw(3) {
                0 => text += &format!("common{} ", draw(30)),
                _ => text += &format!("topic{of}word{} ", draw(40)),
            }
        }
        text.push('\n');
    }
    text
}

fn trained(folder: &tempfile::TempDir, config: Config) -> Result<Model, Error> {
    train::supervised(config, &write(folder), |_| true)
}

fn write(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("train.txt");
    std::fs::write(&path, text(600, 1)).unwrap();
    path
}

fn bytes(model: &Model) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.write_to(&mut bytes).unwrap();
    bytes
}

fn accuracy(model: &Model) -> f64 {
    model.test(&mut Tokens::new(text(300, 2).as_bytes(), "test"), 1, 0.0).unwrap().all.precision()
}

fn config(loss: LossKind) -> Config {
    Config { loss, lr: 0.3, epoch: 15, dim: 20, bucket: 3000, thread: 1, ..Config::supervised() }
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    for loss in [LossKind::Softmax, LossKind::HierarchicalSoftmax, LossKind::NegativeSampling, LossKind::OneVersusAll] {
        // So many numbers that each line is worth three threads.
        let config = Config { word_ngrams: 2, minn: 2, maxn: 3, epoch: 1, dim: 1000, bucket: 500, ..config(loss) };
        let one = trained(&folder, config.clone()).unwrap();
        for thread in [2, 3, 7] {
            let other = trained(&folder, Config { thread, ..config.clone() }).unwrap();
            assert!(bytes(&one) == bytes(&other), "{loss:?} with {thread} threads");
        }
        let seed = trained(&folder, Config { seed: 1, ..config }).unwrap();
        assert!(bytes(&one) != bytes(&seed));
    }
}

#[test]
fn every_loss_learns() {
    let folder = tempfile::tempdir().unwrap();
    for loss in [LossKind::Softmax, LossKind::HierarchicalSoftmax, LossKind::NegativeSampling, LossKind::OneVersusAll] {
        for hogwild in [false, true] {
            let thread = if hogwild { 2 } else { 1 };
            let model = trained(&folder, Config { hogwild, thread, ..config(loss) }).unwrap();
            let found = accuracy(&model);
            // A third by chance.
            assert!(found > 0.95, "{loss:?}, hogwild {hogwild}: {found}");
        }
    }
}

#[test]
fn progress_is_told_and_training_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (mut told, path) = (Vec::new(), write(&folder));
    let config = Config { epoch: 200, ..config(LossKind::Softmax) };
    train::supervised(config.clone(), &path, |progress| {
        told.push(*progress);
        true
    })
    .unwrap();
    assert!(told.len() > 3 && told.windows(2).all(|pair| pair[0].done < pair[1].done));
    assert!(told[0].loss > 1.2 * told[told.len() - 1].loss, "{told:?}");
    let mut calls = 0;
    let model = train::supervised(Config { thread: 2, ..config }, &path, |_| {
        calls += 1;
        false
    });
    assert_eq!(calls, 1);
    assert!(accuracy(&model.unwrap()) > 0.5, "what is learnt so far is kept");
}

#[test]
fn stopping_and_going_on_changes_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder);
    let supervised = |loss| Config { epoch: 200, ..config(loss) };
    let words = Config { epoch: 60, dim: 12, bucket: 100, thread: 1, t: 1.0, min_count: 1, ..Config::skipgram() };
    for config in [supervised(LossKind::Softmax), supervised(LossKind::HierarchicalSoftmax), words] {
        let run = |thread, earlier, go_on: bool| {
            let config = Config { thread, ..config.clone() };
            train::train(&Engine::Cpu, config, &path, earlier, |_, _| go_on).unwrap()
        };
        let whole = run(1, None, true);
        assert!(whole.finished && whole.place.is_none());
        let (mut stops, mut earlier) = (0, None);
        let model = loop {
            // The threads may be others than before.
            let part = run(1 + stops % 3, earlier, false);
            let Some(place) = part.place else { break part.model };
            assert!(!part.finished && bytes(&part.model) != bytes(&whole.model));
            let place = serde_json::from_str(&serde_json::to_string(&place).unwrap()).unwrap();
            earlier = Some((Model::from_bytes(&bytes(&part.model), &path).unwrap(), place));
            stops += 1;
        };
        assert!(stops >= 1, "{:?}", config.model);
        assert!(bytes(&model) == bytes(&whole.model), "{:?} {:?}", config.model, config.loss);
    }
    // Of another text nothing can be gone on with.
    let config = supervised(LossKind::Softmax);
    let part = train::train(&Engine::Cpu, config.clone(), &path, None, |_, _| false).unwrap();
    let earlier = part.place.map(|place| (part.model, place));
    std::fs::write(&path, "__label__a other text\n__label__b than before\n").unwrap();
    let said = train::train(&Engine::Cpu, config, &path, earlier, |_, _| true).unwrap_err().to_string();
    assert!(said.contains("a model of this text"), "{said}");
}

#[test]
fn a_rate_that_is_too_high_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let error = trained(&folder, Config { lr: 1e30, ..config(LossKind::Softmax) }).unwrap_err().to_string();
    assert!(error.contains("not finite") && error.contains("lower lr"), "{error}");
}

/// Every line has the same three words of four: their rows get the gradients of all lines of a round at once.
#[test]
fn short_lines_of_the_same_words_at_a_high_rate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("questions.txt");
    let line = |n: usize| format!("__label__{} what is the word{}\n", n * 7 % 6, n * 7 % 6 + 6 * (n % 11));
    std::fs::write(&path, (0..3000).map(line).collect::<String>()).unwrap();
    for (loss, lr) in [(LossKind::Softmax, 0.5), (LossKind::Softmax, 1.0), (LossKind::OneVersusAll, 1.0)] {
        let config = Config { lr, epoch: 25, dim: 100, ..config(loss) };
        let model = train::supervised(config, &path, |_| true).unwrap();
        let meter = model.test(&mut train::open(&path).unwrap(), 1, 0.0).unwrap();
        assert!(meter.all.precision() > 0.99, "{loss:?} {lr}: {}", meter.all);
    }
}

#[test]
fn smaller_models_predict_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Config { word_ngrams: 2, ..config(LossKind::Softmax) };
    let model = trained(&folder, settings.clone()).unwrap();
    let (whole, size) = (accuracy(&model), bytes(&model).len());
    let path = write(&folder);
    for (how, smaller) in [
        (Quantization::default(), 2),
        (Quantization { qnorm: true, ..Quantization::default() }, 2),
        (Quantization { cutoff: 300, retrain: true, qnorm: true, ..Quantization::default() }, 6),
        (Quantization { cutoff: 400, ..Quantization::default() }, 6),
    ] {
        let quantized = model.clone().quantize(&how, Some((&path, &settings)), |_| true).unwrap();
        let (found, bytes) = (accuracy(&quantized), bytes(&quantized));
        assert!(found > whole - 0.03, "{how:?}: {found}, {whole}");
        assert!(bytes.len() * smaller < size, "{how:?}: {} of {size} bytes", bytes.len());
        assert_eq!(accuracy(&Model::from_bytes(&bytes, "copy".as_ref()).unwrap()), found);
        assert!(quantized.quantize(&how, None, |_| true).is_err(), "a second time");
    }
    let few = Quantization { cutoff: 100, ..Quantization::default() };
    assert!(model.quantize(&few, None, |_| true).unwrap_err().to_string().contains("256"));
}

#[test]
fn known_vectors_are_where_words_start() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = folder.path().join("known.vec");
    std::fs::write(&vectors, "2 3\ncommon1 1 2 3\nelsewhere 4 5 6.5\n").unwrap();
    let settings =
        Config { dim: 3, lr: 1e-9, epoch: 1, pretrained_vectors: Some(vectors.clone()), ..config(LossKind::Softmax) };
    let model = trained(&folder, settings.clone()).unwrap();
    let mut vector = vec![0.0; 3];
    for (word, expected) in [("common1", [1.0, 2.0, 3.0]), ("elsewhere", [4.0, 5.0, 6.5])] {
        assert!(model.vector(word, &mut vector), "{word}");
        assert!(vector.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{word}: {vector:?}");
    }
    let wrong = trained(&folder, Config { dim: 4, ..settings.clone() }).unwrap_err().to_string();
    assert!(wrong.contains("known.vec: line 1") && wrong.contains("dim = 4"), "{wrong}");
    std::fs::write(&vectors, "2 3\ncommon1 1 2 3\nelsewhere 4 five 6.5\n").unwrap();
    assert!(trained(&folder, settings).unwrap_err().to_string().contains("line 3"));
}

#[test]
fn a_search_finds_better_settings() {
    let folder = tempfile::tempdir().unwrap();
    let (input, validation) = (write(&folder), folder.path().join("valid.txt"));
    std::fs::write(&validation, text(200, 3)).unwrap();
    let search = Autotune {
        validation,
        metric: "f1".parse().unwrap(),
        predictions: 1,
        duration: Duration::from_secs(60),
        trials: Some(6),
        model_size: None,
        fixed: vec!["dim".into(), "minn".into(), "bucket".into()],
    };
    let start = Config { lr: 0.02, epoch: 1, dim: 8, ..config(LossKind::Softmax) };
    let mut scores = Vec::new();
    let tuned = search.run(&start, &input, |_| true, |trial| scores.push(trial.score)).unwrap();
    assert_eq!((scores.len(), tuned.trials), (6, 6));
    assert!(tuned.trial.score > scores[0] && tuned.trial.best, "{scores:?}");
    assert_eq!(scores.iter().copied().fold(0.0, f64::max), tuned.trial.score);
    let again = search.run(&start, &input, |_| true, |_| {}).unwrap();
    assert!(bytes(&tuned.model) == bytes(&again.model), "the same trials, the same model");

    let small = Autotune { model_size: Some(31_000), trials: Some(2), ..search.clone() };
    let start = Config { word_ngrams: 2, ..config(LossKind::Softmax) };
    let tuned = small.run(&start, &input, |_| true, |_| {}).unwrap();
    assert!(bytes(&tuned.model).len() <= 31_000);
    let tiny = Autotune { model_size: Some(100), ..small };
    assert!(tiny.run(&start, &input, |_| true, |_| {}).unwrap_err().to_string().contains("100 bytes"));
    let never = Autotune { duration: Duration::ZERO, ..search };
    assert!(never.run(&start, &input, |_| true, |_| {}).unwrap_err().to_string().contains("autotune-duration"));
}
