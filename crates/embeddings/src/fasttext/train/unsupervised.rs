//! Training of vectors of words, by the trainer that all embeddings share.

use std::io::BufRead;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use super::{Place, Progress, Standing, Trained, Training, initial, open};
use crate::corpus::ids::{Collector, Ids};
use crate::corpus::{Room, kept};
use crate::fasttext::config::{Config, LossKind, ModelKind};
use crate::fasttext::dictionary::Dictionary;
use crate::fasttext::matrix::Matrix;
use crate::fasttext::model::Model;
use crate::fasttext::tokens::{END_OF_LINE, Tokens};
use crate::train::{Architecture, Engine, Loss, Objective, Plan, Sampler, Sentences, Several, Trainer, Units};
use crate::{Error, Result, Table, WordVectors};

/// A longer line is cut.
const MOST_WORDS: u64 = 1024;
/// Words between two reports.
const REPORT: usize = 200_000;

/// [`super::train`] of vectors of words and character n-grams.
pub(super) fn run(
    engine: &Engine,
    config: Config,
    dictionary: Dictionary,
    vectors: Option<&WordVectors>,
    input: &Path,
    earlier: Option<([Table; 2], Place)>,
    mut watch: impl FnMut(&Progress, &Standing<'_>) -> bool,
) -> Result<Trained> {
    let config = config.checked()?;
    let architecture = if config.model == ModelKind::Cbow { Architecture::Cbow } else { Architecture::SkipGram };
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
    let keep = kept(counts, dictionary.tokens(), config.t);
    let units = units(&dictionary, &config);
    let ([rows, outputs], places) = match earlier {
        None => {
            let mut rows = initial::uniform(dictionary.rows(), config.dim, config.seed)?;
            if let Some(vectors) = vectors {
                initial::copy(vectors, &dictionary, &mut rows);
            }
            ([rows, Table::zeros(dictionary.words(), config.dim)?], None)
        }
        Some((tables, Place::Words(places))) => (tables, Some(places)),
        Some(_) => return Err(Error::data("training to be gone on with", "a classifier", "vectors of words")),
    };
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
    let mut trainer = pool.install(|| Trainer::new(engine, plan, rows, outputs, places))?;
    while !trainer.is_finished() {
        let at = pool.install(|| trainer.advance(REPORT))?;
        let told = Progress {
            done: (at.tokens as f64 / at.of.max(1) as f64).min(1.0),
            tokens: at.tokens,
            of: at.of,
            seconds: started.elapsed().as_secs_f64(),
            loss: at.loss,
            learning_rate: at.learning_rate.into(),
        };
        let standing = Standing { config: &config, dictionary: &dictionary, training: Training::Words(&trainer) };
        if !watch(&told, &standing) {
            break;
        }
    }
    let finished = trainer.is_finished();
    let place = (!finished).then(|| Place::Words(trainer.places()));
    let [rows, outputs] = trainer.into_tables()?.map(Matrix::Dense);
    Ok(Trained { model: Model::new(config, dictionary, rows, outputs)?, finished, place })
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
    ids: Ids,
    /// The number of the end of a line.
    end: u32,
}

impl Text {
    fn read(text: &mut Tokens<impl BufRead>, dictionary: &Dictionary) -> Result<Self> {
        let (mut ids, mut word) = (Collector::new(Room::default()), Vec::new());
        while text.next(&mut word)? {
            ids.extend(dictionary.word_id(&word))?;
        }
        Ok(Self { ids: ids.finish(Some)?, end: dictionary.word_id(END_OF_LINE).unwrap_or(u32::MAX) })
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
