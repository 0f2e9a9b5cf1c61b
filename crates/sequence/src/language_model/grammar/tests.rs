use std::collections::{BTreeMap, HashMap, HashSet};

use ognivo_core::run;

use super::*;

const LN2: f64 = std::f64::consts::LN_2;

/// By end: probability, and number of derivations.
type Ends = BTreeMap<usize, (f64, u32)>;

/// The probability of `text[at..end]` from `rule` and the number of its derivations, for each possible `end`.
///
/// The inside algorithm: it knows nothing of how texts are generated.
fn inside(grammar: &Grammar, text: &str, rule: usize, at: usize, memo: &mut HashMap<(usize, usize), Ends>) -> Ends {
    if let Some(known) = memo.get(&(rule, at)) {
        return known.clone();
    }
    let mut ends = BTreeMap::new();
    for alternative in &grammar.rules[rule] {
        let mut reached = BTreeMap::from([(at, (alternative.probability, 1))]);
        for symbol in &alternative.symbols {
            let mut next = BTreeMap::new();
            for (&from, &(probability, count)) in &reached {
                let steps = match symbol {
                    Symbol::Text(written) if text[from..].starts_with(written.as_str()) => {
                        BTreeMap::from([(from + written.len(), (1.0, 1))])
                    }
                    Symbol::Text(_) => BTreeMap::new(),
                    Symbol::Rule(inner) => inside(grammar, text, *inner, from, memo),
                };
                for (to, (p, n)) in steps {
                    let sum = next.entry(to).or_insert((0.0, 0));
                    *sum = (sum.0 + probability * p, sum.1 + count * n);
                }
            }
            reached = next;
        }
        for (end, (p, n)) in reached {
            let sum = ends.entry(end).or_insert((0.0, 0));
            *sum = (sum.0 + p, sum.1 + n);
        }
    }
    memo.insert((rule, at), ends.clone());
    ends
}

/// `-ln p` of a sentence and the number of its derivations.
fn score(grammar: &Grammar, sentence: &str) -> (f64, u32) {
    let ends = inside(grammar, sentence, 0, 0, &mut HashMap::new());
    let (p, n) = ends.get(&sentence.len()).copied().unwrap_or((0.0, 0));
    (-p.ln(), n)
}

/// Every sentence with its probability, if there are finitely many; one that is derived twice is there twice.
fn enumerate(grammar: &Grammar, rule: usize) -> Vec<(String, f64)> {
    let alternatives = grammar.rules[rule].iter();
    let texts = alternatives.flat_map(|alternative| {
        alternative.symbols.iter().fold(vec![(String::new(), alternative.probability)], |texts, symbol| {
            let parts = match symbol {
                Symbol::Text(text) => vec![(text.clone(), 1.0)],
                Symbol::Rule(rule) => enumerate(grammar, *rule),
            };
            let join =
                |(a, p): &(String, f64)| parts.iter().map(|(b, q)| (format!("{a}{b}"), p * q)).collect::<Vec<_>>();
            texts.iter().flat_map(join).collect()
        })
    });
    texts.collect()
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found} is not {expected}");
}

#[test]
fn tiny_grammars_have_the_entropy_computed_by_hand() {
    // A fair coin a sentence of two characters.
    close(Grammar::new(&[("s", &[(1.0, "a\n"), (1.0, "b\n")])]).unwrap().entropy(), LN2 / 2.0);
    // Geometric length: two flips and two characters a sentence.
    let geometric: &[(f64, &str)] = &[(1.0, ""), (1.0, "a{x}")];
    close(Grammar::new(&[("s", &[(1.0, "{x}\n")]), ("x", geometric)]).unwrap().entropy(), LN2);
    // Two choices of 1 : 3, one of them written with two characters in UTF-8: 2 H(1/4) nats on 3 characters.
    let pair = Grammar::new(&[("s", &[(2.0, "{x}{x}\n")]), ("x", &[(1.0, "é"), (3.0, "b")])]).unwrap();
    close(pair.entropy(), 2.0 * (0.25 * 4f64.ln() + 0.75 * (4.0 / 3f64).ln()) / 3.0);
    // Balanced brackets of a branching process with mean 2/3: l = 1 + 3 (characters below), h = H(1/3) / (1 - 2/3).
    let tree = Grammar::new(&[("s", &[(1.0, "{t}\n")]), ("t", &[(2.0, "x"), (1.0, "({t}{t})")])]).unwrap();
    let (h, l) = (3.0 * ((2.0 / 3.0) * 1.5f64.ln() + 3f64.ln() / 3.0), 3.0 * (2.0 / 3.0 + 2.0 / 3.0));
    close(tree.entropy(), h / (l + 1.0));
    // Nothing to choose, nothing to learn.
    assert_eq!(Grammar::new(&[("s", &[(1.0, "a\n")])]).unwrap().entropy(), 0.0);
}

#[test]
fn a_wrong_grammar_is_refused_with_the_rule_named() {
    let said = |rules: &[(&str, &[(f64, &str)])]| Grammar::new(rules).unwrap_err().to_string();
    for (rules, expected) in [
        (&[][..], "setting `rules`: found none"),
        (&[("s", &[(1.0, "{x}\n")][..])], "setting `s`: found {x}\n; expected names of rules"),
        (&[("s", &[(1.0, "{s\n")])], "a } behind each {"),
        (&[("s", &[(1.0, "a")]), ("s", &[(1.0, "a")])], "a second rule"),
        (&[("s", &[])], "at least one"),
        (&[("s", &[(0.0, "a"), (1.0, "b")])], "all above 0"),
        (&[("s", &[(f64::NAN, "a")])], "all above 0"),
        (&[("s", &[(f64::INFINITY, "a")])], "all above 0"),
        (&[("s", &[(1.0, "")])], "without characters"),
        // Never ends, ends with expected length infinite (critical), grows (supercritical), turns silently.
        (&[("s", &[(1.0, "a{s}")])], "infinite expected length"),
        (&[("s", &[(1.0, "a"), (1.0, "{s}{s}")])], "infinite expected length"),
        (&[("s", &[(1.0, "a"), (2.0, "{s}{s}")])], "infinite expected length"),
        (&[("s", &[(1.0, "a{x}")]), ("x", &[(1.0, "{x}")])], "infinite expected length"),
    ] {
        assert!(said(rules).contains(expected), "{}: should mention {expected}", said(rules));
    }
}

/// Without recursion the language is finite, and its entropy can be summed sentence by sentence.
#[test]
fn entropy_is_that_of_all_sentences_enumerated() {
    let keep = |(name, alternatives): &(&'static str, &'static [(f64, &'static str)])| {
        let few: Vec<(f64, &str)> = alternatives
            .iter()
            .filter(|(_, text)| !text.contains("that") && !text.contains("{adjectives}") && !text.contains("when"))
            .chain(alternatives.iter().filter(|_| name.starts_with("phrase-")))
            .take(2)
            .copied()
            .collect();
        (*name, few)
    };
    let truncated: Vec<(&str, Vec<(f64, &str)>)> = english::RULES.iter().map(keep).collect();
    let truncated: Vec<(&str, &[(f64, &str)])> = truncated.iter().map(|(name, few)| (*name, &few[..])).collect();
    let grammar = Grammar::new(&truncated).unwrap();
    let sentences = enumerate(&grammar, 0);
    assert!(sentences.len() > 1000, "{}", sentences.len());
    let distinct: HashSet<&str> = sentences.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(distinct.len(), sentences.len(), "each is derived once");
    let total = |value: &dyn Fn(&str, f64) -> f64| sentences.iter().map(|(text, p)| p * value(text, *p)).sum::<f64>();
    assert!((total(&|_, _| 1.0) - 1.0).abs() < 1e-9);
    let entropy = total(&|_, p| -p.ln()) / total(&|text, _| text.chars().count() as f64);
    assert!((grammar.entropy() - entropy).abs() < 1e-9, "{} is not {entropy}", grammar.entropy());
}

#[test]
fn generated_text_has_one_parse_and_the_true_entropy() {
    let grammar = Grammar::english().unwrap();
    let text = grammar.text(200_000, 1);
    let scored: Vec<(f64, f64)> = text
        .split_inclusive('\n')
        .map(|sentence| {
            let (nats, derivations) = score(&grammar, sentence);
            assert_eq!(derivations, 1, "{sentence}");
            (nats, sentence.len() as f64)
        })
        .collect();
    let n = scored.len() as f64;
    let (nats, characters) = scored.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (found, expected) = (nats / characters, grammar.entropy());
    // Standard error of a ratio of means.
    let spread = scored.iter().map(|(x, y)| (x - expected * y).powi(2)).sum::<f64>() / n;
    let error = (spread / n).sqrt() / (characters / n);
    assert!((found - expected).abs() < 3.0 * error, "{found} is not {expected} +- {error}");
    assert!(error < 0.01 * expected, "too little text to tell: {error}");
    let (mean, length) = (characters / n, grammar.expectations[0].characters);
    assert!((mean / length - 1.0).abs() < 0.03, "{mean} characters a sentence, {length} in truth");
}

/// A model that sees few characters cannot reach the entropy; the difference is what memory is worth.
#[test]
fn short_memory_costs() {
    let grammar = Grammar::english().unwrap();
    let (train, test) = (grammar.text(1_000_000, 1), grammar.text(100_000, 2));
    let loss = |order: usize| {
        let mut counts: HashMap<&[u8], [u32; 128]> = HashMap::new();
        for window in train.as_bytes().windows(order + 1) {
            counts.entry(&window[..order]).or_insert([0; 128])[usize::from(window[order])] += 1;
        }
        let windows = test.as_bytes().windows(order + 1);
        let losses = windows.map(|window| {
            let none = [0; 128];
            let row = counts.get(&window[..order]).unwrap_or(&none);
            let total: u32 = row.iter().sum();
            -((f64::from(row[usize::from(window[order])]) + 0.01) / (f64::from(total) + 0.32)).ln()
        });
        losses.sum::<f64>() / (test.len() - order) as f64
    };
    let losses = [1, 3, 6].map(loss);
    assert!(losses[0] > losses[1] && losses[1] > losses[2] && losses[2] > 1.02 * grammar.entropy());
}

#[test]
fn text_follows_from_the_seed() {
    let grammar = Grammar::english().unwrap();
    let text = grammar.text(10_000, 7);
    assert_eq!(text, grammar.text(10_000, 7));
    assert_ne!(text, grammar.text(10_000, 8));
    assert!(grammar.text(20_000, 7).starts_with(&text), "a longer text goes on where the shorter one ended");
    assert!((10_000..11_000).contains(&text.len()) && text.ends_with(".\n") && text.is_ascii());
    assert_eq!(grammar.text(0, 7), "");
    // Results are compared by seed, so what a seed gives never changes.
    let first = "two clever big women that see the quiet men that the farmers see wait.\n";
    assert_eq!(text.split_inclusive('\n').next(), Some(first));
    assert_eq!(run::sha256(text.as_bytes()), "79ea51ac128e34e7a63f943e4b296150d7f07b0f0d71f55221df0f25a4418dfb");
    assert_eq!(format!("{:.3}", grammar.entropy()), "0.461", "the documentation names this figure");
}
