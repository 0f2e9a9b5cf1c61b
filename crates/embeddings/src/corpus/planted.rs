//! A generated text with planted topics: which words should become neighbours is known.
//!
//! Each line is about one topic. Most of its words are the topic's, some are small words that all topics share, a few come from other
//! topics. Nothing but the company they keep tells the words of a topic from others.

use ognivo_core::random;

use crate::WordVectors;

/// What small words, and what words of other topics, have of a line.
const SHARED: f64 = 0.35;
const ASTRAY: f64 = 0.03;
/// Words in a line, at least and at most.
const SHORTEST: usize = 6;
const LONGEST: usize = 16;
/// How much more frequent the first words of a list are: the weight of the word at rank `r` is `1 / (r + EVEN)`.
const EVEN: f64 = 6.0;

/// The topics, each a name and its words.
pub const TOPICS: [(&str, [&str; 20]); 10] = [
    (
        "music",
        [
            "violin",
            "piano",
            "melody",
            "orchestra",
            "cello",
            "choir",
            "rhythm",
            "flute",
            "concert",
            "trumpet",
            "sonata",
            "harmony",
            "drummer",
            "guitar",
            "chorus",
            "opera",
            "soprano",
            "tempo",
            "clarinet",
            "quartet",
        ],
    ),
    (
        "sea",
        [
            "ship",
            "harbour",
            "sailor",
            "wave",
            "anchor",
            "tide",
            "captain",
            "island",
            "mast",
            "lighthouse",
            "voyage",
            "whale",
            "coast",
            "reef",
            "fisherman",
            "storm",
            "cargo",
            "dolphin",
            "ferry",
            "lagoon",
        ],
    ),
    (
        "kitchen",
        [
            "bread", "butter", "oven", "soup", "pepper", "onion", "knife", "recipe", "cheese", "garlic", "flour",
            "kettle", "stew", "sugar", "spoon", "vinegar", "dough", "mustard", "pan", "cinnamon",
        ],
    ),
    (
        "medicine",
        [
            "doctor",
            "patient",
            "fever",
            "nurse",
            "hospital",
            "wound",
            "surgeon",
            "vaccine",
            "symptom",
            "clinic",
            "pulse",
            "infection",
            "therapy",
            "bandage",
            "diagnosis",
            "virus",
            "dentist",
            "ward",
            "cough",
            "injury",
        ],
    ),
    (
        "law",
        [
            "judge",
            "court",
            "lawyer",
            "trial",
            "verdict",
            "jury",
            "witness",
            "statute",
            "appeal",
            "prison",
            "evidence",
            "guilt",
            "sentence",
            "plaintiff",
            "contract",
            "testimony",
            "warrant",
            "tribunal",
            "felony",
            "oath",
        ],
    ),
    (
        "garden",
        [
            "rose", "tulip", "soil", "hedge", "seed", "blossom", "lawn", "gardener", "petal", "weed", "orchard",
            "spade", "ivy", "lily", "root", "compost", "daisy", "fern", "bulb", "shrub",
        ],
    ),
    (
        "weather",
        [
            "rain",
            "cloud",
            "wind",
            "snow",
            "thunder",
            "frost",
            "fog",
            "drizzle",
            "breeze",
            "hail",
            "sunshine",
            "forecast",
            "humidity",
            "blizzard",
            "drought",
            "lightning",
            "temperature",
            "gale",
            "mist",
            "rainbow",
        ],
    ),
    (
        "machines",
        [
            "engine", "piston", "gear", "valve", "turbine", "motor", "lever", "mechanic", "bolt", "wheel", "axle",
            "pump", "boiler", "wrench", "bearing", "cylinder", "diesel", "crank", "rivet", "throttle",
        ],
    ),
    (
        "money",
        [
            "bank",
            "loan",
            "debt",
            "interest",
            "coin",
            "investor",
            "market",
            "share",
            "tax",
            "profit",
            "credit",
            "budget",
            "price",
            "currency",
            "broker",
            "wage",
            "dividend",
            "mortgage",
            "savings",
            "inflation",
        ],
    ),
    (
        "mathematics",
        [
            "theorem",
            "proof",
            "equation",
            "integer",
            "matrix",
            "vector",
            "prime",
            "geometry",
            "algebra",
            "lemma",
            "integral",
            "polynomial",
            "axiom",
            "triangle",
            "fraction",
            "logarithm",
            "topology",
            "conjecture",
            "angle",
            "sum",
        ],
    ),
];

/// Small words that belong to no topic.
const SMALL: [&str; 30] = [
    "the", "of", "and", "a", "to", "in", "is", "was", "that", "it", "with", "for", "as", "on", "at", "by", "from",
    "but", "not", "they", "this", "which", "or", "had", "were", "there", "all", "when", "one", "so",
];

/// A text of at least so many words, a line each sentence. It follows from the seed alone.
pub fn planted(words: usize, seed: u64) -> String {
    let mut rng = random::stream(seed, &[]);
    let (own, small) = (cumulative(TOPICS[0].1.len()), cumulative(SMALL.len()));
    let (mut text, mut written) = (String::new(), 0);
    while written < words {
        let topic = random::below(&mut rng, TOPICS.len());
        let length = SHORTEST + random::below(&mut rng, LONGEST - SHORTEST + 1);
        for place in 0..length {
            let kind = random::uniform_f64(&mut rng);
            let topic = if kind < SHARED + ASTRAY { random::below(&mut rng, TOPICS.len()) } else { topic };
            let at = random::uniform_f64(&mut rng);
            let word = if kind < SHARED { SMALL[rank(&small, at)] } else { TOPICS[topic].1[rank(&own, at)] };
            text += if place == 0 { "" } else { " " };
            text += word;
        }
        text.push('\n');
        written += length;
    }
    text
}

/// The topic of a word; none for small words and words that do not occur.
pub fn topic(word: &str) -> Option<&'static str> {
    TOPICS.iter().find(|(_, words)| words.contains(&word)).map(|(name, _)| *name)
}

/// What vectors know of the topics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlantedScore {
    /// The share of neighbours that are of the word's own topic.
    pub share: f64,
    /// What the share is when neighbours are drawn at random.
    pub chance: f64,
    /// Words that have a topic and a vector.
    pub words: usize,
}

/// Of the `k` nearest words of each word with a topic, by the cosine and among words with topics: the share that are of its own.
pub fn score(vectors: &WordVectors, k: usize) -> PlantedScore {
    let unit = |(id, word): (usize, &str)| {
        let row = vectors.table().row(id);
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        topic(word).map(|topic| (topic, row.iter().map(|value| value / length).collect::<Vec<f32>>()))
    };
    let known: Vec<_> = vectors.words().iter().enumerate().filter_map(unit).collect();
    let (mut right, mut all, mut chance) = (0, 0, 0.0);
    for (i, (own, vector)) in known.iter().enumerate() {
        let others = known.iter().enumerate().filter(|&(j, _)| j != i);
        let mut near: Vec<(f32, bool)> = others
            .map(|(_, (topic, other))| (vector.iter().zip(other).map(|(a, b)| a * b).sum(), topic == own))
            .collect();
        chance += near.iter().filter(|other| other.1).count() as f64 / near.len().max(1) as f64;
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        right += near.iter().take(k).filter(|other| other.1).count();
        all += near.len().min(k);
    }
    PlantedScore {
        share: right as f64 / all.max(1) as f64,
        chance: chance / known.len().max(1) as f64,
        words: known.len(),
    }
}

/// Sums of the words' weights up to each rank, the last one 1.
fn cumulative(words: usize) -> Vec<f64> {
    let weights = (0..words).map(|rank| 1.0 / (rank as f64 + EVEN));
    let total: f64 = weights.clone().sum();
    let mut sum = 0.0;
    weights
        .map(|weight| {
            sum += weight / total;
            sum
        })
        .collect()
}

fn rank(cumulative: &[f64], at: f64) -> usize {
    cumulative.partition_point(|&sum| sum <= at).min(cumulative.len() - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::{Names, Table};

    #[test]
    fn words_are_distinct_and_the_text_follows_from_the_seed() {
        let all: Vec<&str> = TOPICS.iter().flat_map(|(_, words)| words.iter().copied()).chain(SMALL).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 230);
        let text = planted(1000, 1);
        assert_eq!(text, planted(1000, 1));
        assert_ne!(text, planted(1000, 2));
        assert!(planted(5000, 1).starts_with(&text));
        let words = text.split_whitespace().count();
        assert!((1000..1000 + LONGEST).contains(&words), "{words}");
        assert!(planted(0, 1).is_empty());
        assert_eq!((topic("cello"), topic("the"), topic("xyz")), (Some("music"), None, None));
    }

    #[test]
    fn words_keep_the_company_of_their_topic() {
        let text = planted(60_000, 3);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let (mut own, mut content) = (0, 0);
        for line in text.lines() {
            let topics: Vec<_> = line.split(' ').filter_map(topic).collect();
            let most = topics.iter().map(|a| topics.iter().filter(|b| a == *b).count()).max().unwrap_or(0);
            own += most;
            content += topics.len();
            line.split(' ').for_each(|word| *counts.entry(word).or_default() += 1);
        }
        assert_eq!(counts.len(), 230, "every word occurs");
        assert!(counts.values().all(|&count| count > 50));
        // But for the words astray, of which a tenth come from the line's own topic.
        let share = own as f64 / content as f64;
        assert!((share - (1.0 - 0.9 * ASTRAY / (1.0 - SHARED))).abs() < 0.01, "{share}");
    }

    #[test]
    fn the_score_is_1_for_perfect_vectors_and_chance_for_random_ones() {
        let names: Names = TOPICS.iter().flat_map(|(_, words)| words.iter()).chain(&SMALL).collect();
        let vectors = |value: &mut dyn FnMut(usize, usize) -> f32| {
            let values: Vec<f32> =
                (0..230).flat_map(|i| (0..10).map(move |j| (i, j))).map(|(i, j)| value(i, j)).collect();
            WordVectors::new(names.clone(), Table::from_values(10, &values).unwrap()).unwrap()
        };
        let perfect = score(&vectors(&mut |i, j| f32::from(u8::from(i / 20 == j))), 10);
        assert_eq!((perfect.share, perfect.words), (1.0, 200));
        assert!((perfect.chance - 19.0 / 199.0).abs() < 1e-12);
        let mut rng = random::stream(1, &[]);
        let random = score(&vectors(&mut |_, _| random::uniform(&mut rng) - 0.5), 10);
        // Five standard deviations of 2000 independent draws.
        assert!((random.share - random.chance).abs() < 0.035, "{}", random.share);
        assert_eq!(score(&WordVectors::new(Names::default(), Table::zeros(0, 3).unwrap()).unwrap(), 10).words, 0);
    }
}
