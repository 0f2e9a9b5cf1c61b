//! Training of vectors of words, by the trainer that all embeddings share.

use std::io::BufRead;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use super::{Progress, count, initial, open};
use crate::corpus::kept;
use crate::fasttext::config::{Config, LossKind, ModelKind};
use crate::fasttext::dictionary::Dictionary;
use crate::fasttext::matrix::Matrix;
use crate::fasttext::model::Model;
use crate::fasttext::tokens::{END_OF_LINE, Tokens};
use crate::train::{Architecture, Engine, Loss, Objective, Plan, Sampler, Sentences, Several, Trainer, Units};
use crate::{Error, Result, Table};

/// A longer line is cut.
const MOST_WORDS: u64 = 1024;
/// Words between two reports.
const REPORT: usize = 200_000;

/// Trains vectors of words and character n-grams on a file of text, plain or gzip.
///
/// `watch` is told now and then how far it is; when it returns false, training stops with what is learnt so far.
///
/// # Errors
/// For settings without meaning, a file that cannot be read or has no frequent words, and a loss that is not finite.
pub fn unsupervised(config: Config, input: &Path, mut watch: impl FnMut(&Progress) -> bool) -> Result<Model> {
    let config = config.checked()?;
    let architecture = match config.model {
        ModelKind::Skipgram => Architecture::SkipGram,
        ModelKind::Cbow => Architecture::Cbow,
        ModelKind::Supervised => return Err(Error::setting("model", "supervised", "skipgram or cbow")),
    };
    let (dictionary, vectors) = count(&config, input)?;
    let text = Text::read(&mut open(input)?, &dictionary)?;
    let counts = dictionary.word_counts();
    let objective = match config.loss {
        // Counts to the power of 1/2, unlike word2vec.
        LossKind::NegativeSampling => {
            let roots: Vec<f64> = counts.iter().map(|&count| (count as f64).sqrt()).collect();
            Objective::Negative { sampler: Sampler::new(&roots), count: config.neg }
        }
        LossKind::HierarchicalSoftmax => Objective::new(Loss::Hierarchical, counts, config.neg),
        LossKind::Softmax => Objective::new(Loss::Softmax, counts, config.neg),
        LossKind::OneVersusAll => Objective::new(Loss::OneVsAll, counts, config.neg),
    };
    let mut rows = initial::uniform(dictionary.rows(), config.dim, config.seed)?;
    if let Some(vectors) = &vectors {
        initial::copy(vectors, &dictionary, &mut rows);
    }
    let keep = kept(counts, dictionary.tokens(), config.t);
    let units = units(&dictionary, &config);
    let outputs = Table::zeros(dictionary.words(), config.dim)?;
    let plan = Plan {
        sentences: &text,
        units: &units,
        objective: &objective,
        keep: Some(&keep),
        architecture,
        window: config.ws as u32,
        epochs: config.epoch as u64,
        learning_rate: config.lr as f32,
        seed: config.seed,
        hogwild: config.hogwild,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(config.thread).build();
    let pool = pool.map_err(|error| Error::data("threads", error.to_string(), format!("{}", config.thread)))?;
    let started = Instant::now();
    let mut trainer = pool.install(|| Trainer::new(&Engine::Cpu, plan, rows, outputs, None))?;
    while !trainer.is_finished() {
        let at = pool.install(|| trainer.advance(REPORT))?;
        let told = Progress {
            done: (at.tokens as f64 / at.of.max(1) as f64).min(1.0),
            tokens: at.tokens,
            seconds: started.elapsed().as_secs_f64(),
            loss: at.loss,
            learning_rate: at.learning_rate.into(),
        };
        if !watch(&told) {
            break;
        }
    }
    let [rows, outputs] = trainer.into_tables()?;
    Model::new(config, dictionary, Matrix::Dense(rows), Matrix::Dense(outputs))
}

/// The rows of each word.
fn units(dictionary: &Dictionary, config: &Config) -> Units {
    if config.maxn == 0 || config.bucket == 0 {
        return Units::Tokens;
    }
    let (mut all, mut rows) = (Several::default(), Vec::new());
    for id in 0..dictionary.words() {
        rows.clear();
        dictionary.word_rows(dictionary.entry(id).unwrap_or_default(), &mut rows);
        all.push(rows.iter().copied());
    }
    Units::Several(all)
}

/// The words of a text by number, ends of lines among them; rare ones and labels are left out.
struct Text {
    ids: Vec<u32>,
    /// The number of the end of a line.
    end: u32,
}

impl Text {
    fn read(text: &mut Tokens<impl BufRead>, dictionary: &Dictionary) -> Result<Self> {
        let (mut ids, mut word) = (Vec::new(), Vec::new());
        while text.next(&mut word)? {
            ids.extend(dictionary.word_id(&word));
        }
        Ok(Self { ids, end: dictionary.word_id(END_OF_LINE).unwrap_or(u32::MAX) })
    }
}

impl Sentences for Text {
    fn tokens(&self) -> u64 {
        self.ids.len() as u64
    }

    fn part(&self, part: usize, parts: usize) -> Range<u64> {
        let at = |part: usize| (self.ids.len() as u128 * part as u128 / parts as u128) as u64;
        at(part)..at(part + 1)
    }

    fn read(&self, _: u64, position: u64, end: u64, sentence: &mut Vec<u32>) -> (u64, u64) {
        let rest = &self.ids[position as usize..(position + MOST_WORDS).min(end) as usize];
        let length = rest.iter().position(|&id| id == self.end).map_or(rest.len(), |last| last + 1);
        sentence.extend_from_slice(&rest[..length]);
        (position + length as u64, length as u64)
    }
}
