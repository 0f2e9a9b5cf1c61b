//! The words and labels of a model, and the rows of the input that a word or a line stands for.

use std::io::BufRead;
use std::sync::OnceLock;

use hashbrown::{HashMap, HashTable};

use super::config::{Config, ModelKind};
use super::ngrams;
use super::tokens::{END_OF_LINE, Tokens};
use crate::{Error, Names, Result};

/// So many distinct words are kept while a text is counted; beyond, the rarest are given up.
const MOST_WORDS: usize = 30_000_000 / 4 * 3;

/// Words (first) and labels (after them), each by falling count, those of equal count by first occurrence.
#[derive(Clone, Debug)]
pub struct Dictionary {
    entries: Entries,
    words: usize,
    /// Words, labels and ends of lines in the text, those left out too.
    tokens: u64,
    /// Which buckets a quantised model kept, and under which numbers.
    kept: Option<HashMap<u32, u32>>,
    minn: usize,
    maxn: usize,
    bucket: usize,
    word_ngrams: usize,
    label: Vec<u8>,
    names: OnceLock<Names>,
}

/// A line as a classifier sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Rows of the input: words, their n-grams, the n-grams of words.
    pub rows: Vec<u32>,
    /// Labels by number.
    pub labels: Vec<u32>,
    /// Words, labels and the end of the line.
    pub tokens: u64,
    hashes: Vec<u32>,
    word: Vec<u8>,
}

impl Dictionary {
    /// Counts a text.
    ///
    /// # Errors
    /// When it cannot be read, or no word (with a classifier: no word or no label) is frequent enough.
    pub fn count(text: &mut Tokens<impl BufRead>, config: &Config) -> Result<Self> {
        let label = config.label.as_bytes();
        let (mut entries, mut tokens, mut threshold) = (Entries::default(), 0, 1);
        let mut word = Vec::new();
        while text.next(&mut word)? {
            tokens += 1;
            let id = entries.insert(&word);
            entries.counts[id as usize] += 1;
            if entries.len() > MOST_WORDS {
                threshold += 1;
                entries = entries.sorted(label, threshold, threshold).0;
            }
        }
        let most = (0..entries.len()).filter(|&id| !entries.get(id as u32).starts_with(label));
        let most = most.map(|id| entries.counts[id]).max();
        let (entries, words) = entries.sorted(label, config.min_count, config.min_count_label);
        if words == 0 {
            let (found, expected) = match most {
                Some(most) => {
                    let found = format!("no word {} times, the most frequent {most} times", config.min_count);
                    (found, format!("a minCount of at most {most}"))
                }
                None => ("no word".into(), "text".into()),
            };
            return Err(Error::data("the training text", found, expected));
        }
        if config.model == ModelKind::Supervised && words == entries.len() {
            let expected = format!("labels, which begin with {}", config.label);
            return Err(Error::data("the training text", "no label", expected));
        }
        Ok(Self::new(entries, words, tokens, None, config))
    }

    pub(super) fn new(
        entries: Entries,
        words: usize,
        tokens: u64,
        kept: Option<HashMap<u32, u32>>,
        config: &Config,
    ) -> Self {
        Self {
            entries,
            words,
            tokens,
            kept,
            minn: config.minn,
            maxn: config.maxn,
            bucket: config.bucket,
            word_ngrams: config.word_ngrams,
            label: config.label.clone().into_bytes(),
            names: OnceLock::new(),
        }
    }

    /// How many words.
    pub fn words(&self) -> usize {
        self.words
    }

    /// How many labels.
    pub fn labels(&self) -> usize {
        self.entries.len() - self.words
    }

    /// Words, labels and ends of lines in the text the model learnt from.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Rows of the input: one a word, and the buckets.
    pub fn rows(&self) -> usize {
        self.words + self.kept.as_ref().map_or(self.bucket, HashMap::len)
    }

    /// Word number `id`; beyond the words, the labels follow.
    pub fn entry(&self, id: usize) -> Option<&[u8]> {
        (id < self.entries.len()).then(|| self.entries.get(id as u32))
    }

    /// Label number `label`, as text, with its prefix.
    pub fn label(&self, label: usize) -> Option<String> {
        self.entry(self.words.checked_add(label)?).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// How often a word (or, beyond the words, a label) occurred.
    pub fn frequency(&self, id: usize) -> Option<u64> {
        self.entries.counts.get(id).copied()
    }

    /// How often each word occurred.
    pub fn word_counts(&self) -> &[u64] {
        &self.entries.counts[..self.words]
    }

    /// How often each label occurred.
    pub fn label_counts(&self) -> &[u64] {
        &self.entries.counts[self.words..]
    }

    /// The number of a word.
    pub fn word_id(&self, word: &[u8]) -> Option<u32> {
        self.entries.find(word).filter(|&id| (id as usize) < self.words)
    }

    /// The number of a label.
    pub fn label_id(&self, label: &[u8]) -> Option<u32> {
        self.entries.find(label).and_then(|id| id.checked_sub(self.words as u32))
    }

    /// The words as text; bytes that are not UTF-8 become the replacement character.
    pub fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            (0..self.words as u32).map(|id| String::from_utf8_lossy(self.entries.get(id)).into_owned()).collect()
        })
    }

    /// How a label begins.
    pub fn set_label_prefix(&mut self, prefix: &str) {
        self.label = prefix.as_bytes().to_vec();
    }

    /// Counts each of some words once more, those of pre-trained vectors.
    pub(super) fn add_words(&mut self, words: &Names) {
        for word in words.iter().map(str::as_bytes) {
            let id = self.entries.insert(word);
            self.entries.counts[id as usize] += 1;
            self.tokens += 1;
        }
        (self.entries, self.words) = self.entries.sorted(&self.label, 1, 0);
        self.names = OnceLock::new();
    }

    pub(super) fn kept(&self) -> Option<&HashMap<u32, u32>> {
        self.kept.as_ref()
    }

    /// Appends the rows of a word: its own, if it is known, and those of its n-grams.
    pub fn word_rows(&self, word: &[u8], rows: &mut Vec<u32>) {
        self.ngrams(word, |row, _| rows.push(row));
    }

    /// Calls `found` with the row and the text of a word, if it is known, and of each of its n-grams.
    pub fn ngrams(&self, word: &[u8], mut found: impl FnMut(u32, &[u8])) {
        if let Some(id) = self.word_id(word) {
            found(id, word);
        }
        if word != END_OF_LINE && self.maxn > 0 && self.bucket > 0 {
            let mut marked = Vec::with_capacity(word.len() + 2);
            ngrams::marked(word, &mut marked);
            ngrams::of_characters(&marked, self.minn, self.maxn, |hash, bytes| {
                if let Some(row) = self.bucket_row(u64::from(hash)) {
                    found(row, bytes);
                }
            });
        }
    }

    /// The row of the bucket that a hash falls into; none where a quantised model gave it up.
    fn bucket_row(&self, hash: u64) -> Option<u32> {
        let bucket = (hash % self.bucket as u64) as u32;
        let bucket = match &self.kept {
            Some(kept) => *kept.get(&bucket)?,
            None => bucket,
        };
        Some(self.words as u32 + bucket)
    }

    /// Reads the next line for a classifier; false at the end of the text.
    ///
    /// # Errors
    /// When the text cannot be read.
    pub fn read_line(&self, text: &mut Tokens<impl BufRead>, line: &mut Line) -> Result<bool> {
        let Line { rows, labels, tokens, hashes, word } = line;
        rows.clear();
        labels.clear();
        hashes.clear();
        *tokens = 0;
        while text.next(word)? {
            *tokens += 1;
            let id = self.entries.find(word);
            match id {
                Some(id) if id as usize >= self.words => labels.push(id - self.words as u32),
                None if word.starts_with(&self.label) => {}
                _ => {
                    if self.maxn == 0 {
                        rows.extend(id);
                    } else {
                        self.word_rows(word, rows);
                    }
                    hashes.push(ngrams::hash(word));
                }
            }
            if word == END_OF_LINE {
                break;
            }
        }
        if self.word_ngrams > 1 && self.bucket > 0 {
            ngrams::of_words(hashes, self.word_ngrams, |hash| rows.extend(self.bucket_row(hash)));
        }
        Ok(*tokens > 0)
    }

    /// Keeps the input rows `rows` alone (words in rising order, then buckets), for a smaller model.
    pub(super) fn prune(&mut self, rows: &[u32]) {
        let words = rows.iter().take_while(|&&row| (row as usize) < self.words).count();
        let mut entries = Entries::default();
        let labels = self.words as u32..self.entries.len() as u32;
        for id in rows[..words].iter().copied().chain(labels) {
            let new = entries.insert(self.entries.get(id));
            entries.counts[new as usize] = self.entries.counts[id as usize];
        }
        let buckets = rows[words..].iter().map(|&row| row - self.words as u32);
        self.kept = Some(buckets.zip(0..).collect());
        self.entries = entries;
        self.words = words;
        self.names = OnceLock::new();
    }
}

/// Distinct byte strings with counts.
#[derive(Clone, Default)]
pub(super) struct Entries {
    text: Vec<u8>,
    /// Where each ends in `text`.
    ends: Vec<usize>,
    pub(super) counts: Vec<u64>,
    index: HashTable<u32>,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// # Panics
    /// When there is no such number.
    pub(super) fn get(&self, id: u32) -> &[u8] {
        bytes(&self.text, &self.ends, id)
    }

    fn find(&self, word: &[u8]) -> Option<u32> {
        self.index.find(spread(word), |&id| self.get(id) == word).copied()
    }

    /// The number of a string, which is added with the count 0 if it is new.
    pub(super) fn insert(&mut self, word: &[u8]) -> u32 {
        let Self { text, ends, counts, index } = self;
        let entry = index.entry(spread(word), |&id| bytes(text, ends, id) == word, |&id| spread(bytes(text, ends, id)));
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => *found.get(),
            hashbrown::hash_table::Entry::Vacant(place) => {
                let id = ends.len() as u32;
                place.insert(id);
                text.extend_from_slice(word);
                ends.push(text.len());
                counts.push(0);
                id
            }
        }
    }

    /// Words, then labels, by falling count, without those that occur less often than asked for; and how many words.
    fn sorted(&self, label: &[u8], least: u64, least_label: u64) -> (Self, usize) {
        let is_label = |id: u32| self.get(id).starts_with(label);
        let mut order: Vec<u32> = (0..self.len() as u32)
            .filter(|&id| self.counts[id as usize] >= if is_label(id) { least_label } else { least })
            .collect();
        order.sort_by_key(|&id| (is_label(id), std::cmp::Reverse(self.counts[id as usize])));
        let words = order.iter().take_while(|&&id| !is_label(id)).count();
        let mut sorted = Self::default();
        for id in order {
            let new = sorted.insert(self.get(id));
            sorted.counts[new as usize] = self.counts[id as usize];
        }
        (sorted, words)
    }
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entries({})", self.len())
    }
}

fn bytes<'a>(text: &'a [u8], ends: &[usize], id: u32) -> &'a [u8] {
    let id = id as usize;
    let start = id.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start..ends[id]]
}

/// The hash of the file format has 32 bits; the table wants 64 that all matter.
fn spread(word: &[u8]) -> u64 {
    u64::from(ngrams::hash(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str, config: Config) -> Result<Dictionary> {
        Dictionary::count(&mut Tokens::new(text.as_bytes(), "text"), &config.checked()?)
    }

    fn line(dictionary: &Dictionary, text: &str) -> Line {
        let mut line = Line::default();
        dictionary.read_line(&mut Tokens::new(text.as_bytes(), "text"), &mut line).unwrap();
        line
    }

    #[test]
    fn words_then_labels_by_count() {
        let text = "__label__b a b\n__label__a b c\n__label__a b\n";
        let dictionary = count(text, Config::supervised()).unwrap();
        let entries: Vec<&[u8]> = (0..).map_while(|id| dictionary.entry(id)).collect();
        let expected: [&[u8]; 6] = [b"b", b"</s>", b"a", b"c", b"__label__a", b"__label__b"];
        assert_eq!(entries, expected);
        assert_eq!((dictionary.words(), dictionary.labels(), dictionary.tokens()), (4, 2, 11));
        assert_eq!(dictionary.label_counts(), [2, 1]);
        let line = line(&dictionary, "new b __label__b __label__new a\nnext");
        assert_eq!((line.rows, line.labels, line.tokens), (vec![0, 2, 1], vec![1], 6));
    }

    #[test]
    fn rare_words_are_left_out_and_said() {
        let config = Config { min_count: 2, ..Config::supervised() };
        assert_eq!(count("a b a __label__x", config.clone()).unwrap().words(), 1);
        let config = Config { min_count: 3, ..config };
        let error = count("a b a __label__x", config.clone()).unwrap_err().to_string();
        assert!(error.contains("no word 3 times") && error.contains("minCount of at most 2"), "{error}");
        assert!(count("", config.clone()).unwrap_err().to_string().contains("no word"));
        assert!(count("a a a\n", config).unwrap_err().to_string().contains("__label__"));
    }

    #[test]
    fn unknown_words_count_in_word_ngrams() {
        let config = Config { word_ngrams: 2, bucket: 1000, ..Config::supervised() };
        let dictionary = count("__label__x a b\n", config).unwrap();
        let known = line(&dictionary, "a b");
        assert_eq!(known.rows.len(), 3);
        assert_eq!(line(&dictionary, "a new b").rows.len(), 4, "two words and two pairs");
        assert!(known.rows[2] >= 3 && known.rows[2] < 1003);
    }

    #[test]
    fn pruning_keeps_chosen_rows() {
        let config = Config { minn: 2, maxn: 2, bucket: 50, ..Config::supervised() };
        let mut dictionary = count("__label__x a b c\n", config).unwrap();
        let (mut before, mut after) = (Vec::new(), Vec::new());
        dictionary.word_rows(b"c", &mut before);
        assert_eq!(before.len(), 3, "the word, <c and c>");
        dictionary.prune(&[0, before[0], before[2]]);
        dictionary.word_rows(b"c", &mut after);
        assert_eq!(after, [1, 2]);
        assert_eq!((dictionary.words(), dictionary.labels(), dictionary.rows()), (2, 1, 3));
    }
}
