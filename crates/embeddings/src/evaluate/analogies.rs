//! Word analogies: `a is to b as c is to ?` (Mikolov et al. 2013), in the files and by the rules of word2vec's `compute-accuracy`.
//!
//! An answer is the word whose vector is nearest to that of `b - a + c`, the three left out. Only the most frequent words can be
//! questions and answers; a question with a word that is not one of them is not asked, and counts in no total.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folded::Folded;
use crate::format::input::Lines;
use crate::query::{Index, Query};
use crate::{Error, Lookup, Result};

/// Questions of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// What stands after the colon.
    pub name: String,
    /// a, b, c and the answer.
    pub questions: Vec<[String; 4]>,
}

/// How analogies are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnalogyConfig {
    /// Words that count, the first of the list (default 30000, as in word2vec's scripts; 0: all).
    pub most_frequent: usize,
    /// Whether case counts for nothing (default true): of words that differ in it alone the most frequent one stands for all.
    pub fold_case: bool,
}

impl Default for AnalogyConfig {
    fn default() -> Self {
        Self { most_frequent: 30_000, fold_case: true }
    }
}

/// How many were right, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Questions answered with the right word.
    pub correct: usize,
    /// Questions all of whose words are known.
    pub asked: usize,
    /// All questions.
    pub questions: usize,
}

impl Score {
    /// The share of asked questions that were answered right; none if none was asked.
    pub fn accuracy(&self) -> Option<f64> {
        (self.asked > 0).then(|| self.correct as f64 / self.asked as f64)
    }

    /// The share of questions that were asked.
    pub fn coverage(&self) -> f64 {
        self.asked as f64 / self.questions.max(1) as f64
    }

    fn add(&mut self, other: Self) {
        self.correct += other.correct;
        self.asked += other.asked;
        self.questions += other.questions;
    }
}

/// What [`evaluate`] finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Analogies {
    /// By the name of the group, in the order of the file.
    pub groups: Vec<(String, Score)>,
    /// The groups whose names do not begin with `gram`: capitals, currencies, families.
    pub semantic: Score,
    /// The groups whose names begin with `gram`: adverbs, plurals, tenses.
    pub syntactic: Score,
    /// All groups.
    pub total: Score,
}

/// Reads questions: lines `: name` begin a group, others have four words.
///
/// # Errors
/// The system's; names the line that is neither; a file without questions.
pub fn read(path: &Path) -> Result<Vec<Group>> {
    let mut lines = Lines::open(path)?;
    let mut groups: Vec<Group> = Vec::new();
    while let Some(line) = lines.next()? {
        let words: Vec<_> = line.split_whitespace().map(String::from).collect();
        if let Some(name) = line.strip_prefix(':') {
            groups.push(Group { name: name.trim().into(), questions: Vec::new() });
        } else if let Ok(question) = <[String; 4]>::try_from(words) {
            // Questions before the first name are a group without one.
            if groups.is_empty() {
                groups.push(Group::default());
            }
            groups.last_mut().into_iter().for_each(|group| group.questions.push(question.clone()));
        } else if !line.trim().is_empty() {
            let found = format!("{} words", line.split_whitespace().count());
            return Err(lines.broken(found, "four words, or `: ` and the name of a group"));
        }
    }
    if groups.iter().all(|group| group.questions.is_empty()) {
        return Err(lines.broken("the end of the file", "questions: lines of four words"));
    }
    Ok(groups)
}

/// Asks all questions.
///
/// # Errors
/// When the memory for the vectors cannot be had.
pub fn evaluate(vectors: &(dyn Lookup + Sync), groups: &[Group], config: &AnalogyConfig) -> Result<Analogies> {
    /// Questions asked together.
    const BATCH: usize = 1024;
    let count = if config.most_frequent == 0 { vectors.words().len() } else { config.most_frequent };
    let index = Index::new(vectors)?.first(count);
    let folded = Folded::new(vectors.words(), count, config.fold_case);
    let mut found = Analogies {
        groups: Vec::new(),
        semantic: Score::default(),
        syntactic: Score::default(),
        total: Score::default(),
    };
    for group in groups {
        let mut score = Score { questions: group.questions.len(), ..Score::default() };
        for questions in group.questions.chunks(BATCH) {
            let asked: Vec<_> = questions.iter().filter_map(|words| question(&folded, words)).collect();
            let queries = asked.iter().map(|question| question.query(vectors)).collect::<Result<Vec<_>>>()?;
            let answers = index.nearest(&queries, 1);
            let correct = |(question, answer): &(&Question, Vec<_>)| {
                answer.first().is_some_and(|one: &crate::query::Neighbour| question.answers.contains(&one.id))
            };
            score.asked += asked.len();
            score.correct += asked.iter().zip(answers).filter(correct).count();
        }
        if group.name.starts_with("gram") { &mut found.syntactic } else { &mut found.semantic }.add(score);
        found.total.add(score);
        found.groups.push((group.name.clone(), score));
    }
    Ok(found)
}

/// A question all of whose words are known.
struct Question {
    /// a, b, c.
    given: [u32; 3],
    /// All spellings of these.
    exclude: Vec<u32>,
    /// All spellings of the answer.
    answers: Vec<u32>,
}

fn question(folded: &Folded<'_>, words: &[String; 4]) -> Option<Question> {
    let [a, b, c, answer] = words;
    let given = [folded.row(a)?, folded.row(b)?, folded.row(c)?];
    let answers = folded.rows(answer).into_owned();
    let exclude = [a, b, c].into_iter().flat_map(|word| folded.rows(word).into_owned()).collect();
    (!answers.is_empty()).then_some(Question { given, exclude, answers })
}

impl Question {
    fn query(&self, vectors: &dyn Lookup) -> Result<Query> {
        let [a, b, c] = self.given.map(|id| vectors.words().name(id));
        Ok(Query { exclude: self.exclude.clone(), ..Query::analogy(vectors, &[b, c], &[a])? })
    }
}

impl Analogies {
    /// Refuses an evaluation that asked nothing.
    ///
    /// # Errors
    /// When no question had words that are known.
    pub fn check(&self) -> Result<()> {
        if self.total.asked == 0 {
            let found = format!("none of {} whose words all have vectors", self.total.questions);
            return Err(Error::data("questions", found, "words of the language and spelling of the vectors"));
        }
        Ok(())
    }
}
