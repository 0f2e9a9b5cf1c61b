//! Sentences from a probabilistic grammar: a text whose entropy is known exactly.

use std::collections::HashMap;

use ognivo_core::random::{self, uniform_f64};

use crate::{Error, Result};

mod english;

/// First part of the [`random::stream`] that draws sentences: "sentence" in ASCII.
const SENTENCE: u64 = u64::from_be_bytes(*b"sentence");
/// Expectations have converged when a sweep changes none by more than this share.
const PRECISION: f64 = 1e-15;
/// A grammar whose expectations have not converged after so many sweeps is taken for one where they never do.
const SWEEPS: usize = 100_000;

/// A probabilistic context-free grammar; the first rule makes a sentence.
///
/// # Entropy
///
/// Let `p` be the probabilities of a rule's alternatives. Deriving from the rule takes, in expectation,
/// `h = sum p (-ln p + h of the rules in the alternative)` nats of choices and makes
/// `l = sum p (its own characters + l of the rules in it)` characters. The text is an endless row of independent
/// sentences. If
///
/// 1. no text has more than one derivation, so that its probability is that of the choices made, and
/// 2. `h` and `l` of a sentence are finite,
///
/// then `-ln P(text) / characters` converges to `h / l` with probability 1: sentences are the renewals, `-ln p` the
/// reward of each (renewal-reward theorem: Grimmett and Stirzaker, Probability and Random Processes, section 10.5). So
/// `h / l` is the entropy rate exactly, and no model's mean loss stays below it. [`new`](Self::new) checks the second
/// condition. The first is the author's duty: each sentence is derived in one way only, and ends in a sign that stands
/// nowhere else.
#[derive(Clone, Debug)]
pub struct Grammar {
    rules: Vec<Vec<Alternative>>,
    /// Of each rule.
    expectations: Vec<Expectation>,
}

#[derive(Clone, Debug)]
struct Alternative {
    probability: f64,
    symbols: Vec<Symbol>,
}

#[derive(Clone, Debug, PartialEq)]
enum Symbol {
    Text(String),
    Rule(usize),
}

/// What deriving from a rule makes, in expectation.
#[derive(Clone, Copy, Debug, Default)]
struct Expectation {
    /// Infinite where a derivation may never end, even if it is silent.
    choices: f64,
    nats: f64,
    characters: f64,
}

impl Grammar {
    /// A grammar from its rules: name, and alternatives with their weights, in which `{name}` stands for a rule.
    ///
    /// # Errors
    /// [`Error::Setting`] for no rule, a name twice or unknown, a brace left open, a weight that is not above 0, and for
    /// rules that make sentences of infinite expected length or none.
    pub fn new(rules: &[(&str, &[(f64, &str)])]) -> Result<Self> {
        let mut places = HashMap::new();
        for (place, &(name, _)) in rules.iter().enumerate() {
            if places.insert(name, place).is_some() {
                return Err(Error::setting(name, "a second rule of this name", "one"));
            }
        }
        let rules = rules.iter().map(|&(name, alternatives)| {
            let total: f64 = alternatives.iter().map(|(weight, _)| weight).sum();
            let sound = alternatives.iter().all(|(weight, _)| *weight > 0.0) && total > 0.0 && total.is_finite();
            if !sound {
                return Err(Error::setting(name, "alternatives of other weights", "at least one, and all above 0"));
            }
            let alternative = |&(weight, template): &(f64, &str)| {
                Ok(Alternative { probability: weight / total, symbols: symbols(name, template, &places)? })
            };
            alternatives.iter().map(alternative).collect()
        });
        let rules: Vec<Vec<Alternative>> = rules.collect::<Result<_>>()?;
        let expectations = expectations(&rules)?;
        Ok(Self { rules, expectations })
    }

    /// English sentences of animals and people, 0.461 nats (0.665 bits) per character.
    ///
    /// Subject and verb agree in number, over relative clauses that may be nested; a quotation that is opened is closed:
    /// a model that remembers predicts better than one that does not.
    ///
    /// # Errors
    /// None in a sound build: the rules are part of the program.
    pub fn english() -> Result<Self> {
        Self::new(english::RULES)
    }

    /// The entropy of the endless text in nats per character; exact, see [`Grammar`].
    pub fn entropy(&self) -> f64 {
        self.expectations[0].nats / self.expectations[0].characters
    }

    /// Whole sentences, until there are `characters` or more: the same for the same seed.
    pub fn text(&self, characters: usize, seed: u64) -> String {
        let mut rng = random::stream(seed, &[SENTENCE]);
        let mut text = String::new();
        let mut count = 0;
        // What is still to be derived, the next symbol last.
        let mut stack: Vec<&Symbol> = Vec::new();
        while count < characters {
            stack.extend(self.choose(0, uniform_f64(&mut rng)).iter().rev());
            while let Some(symbol) = stack.pop() {
                match symbol {
                    Symbol::Text(written) => {
                        text.push_str(written);
                        count += written.chars().count();
                    }
                    Symbol::Rule(rule) => stack.extend(self.choose(*rule, uniform_f64(&mut rng)).iter().rev()),
                }
            }
        }
        text
    }

    /// The alternative on which `uniform` falls, a number from 0 up to 1.
    fn choose(&self, rule: usize, mut uniform: f64) -> &[Symbol] {
        let alternatives = &self.rules[rule];
        let chosen = alternatives.iter().position(|alternative| {
            uniform -= alternative.probability;
            uniform < 0.0
        });
        // Rounded probabilities may sum to a little less than 1.
        &alternatives[chosen.unwrap_or(alternatives.len() - 1)].symbols
    }
}

/// The parts of `the {noun}`.
fn symbols(rule: &str, template: &str, places: &HashMap<&str, usize>) -> Result<Vec<Symbol>> {
    let mut symbols = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Err(Error::setting(rule, template, "a } behind each {"));
        };
        let &place = places.get(name).ok_or_else(|| Error::setting(rule, template, "names of rules in braces"))?;
        symbols.extend([Symbol::Text(text.into()), Symbol::Rule(place)]);
        rest = after;
    }
    symbols.push(Symbol::Text(rest.into()));
    symbols.retain(|symbol| *symbol != Symbol::Text(String::new()));
    Ok(symbols)
}

/// Solves the equations of [`Grammar`] by iterating them from 0, which converges to the least solution from below if
/// there is one.
fn expectations(rules: &[Vec<Alternative>]) -> Result<Vec<Expectation>> {
    let mut known = vec![Expectation::default(); rules.len()];
    for _ in 0..SWEEPS {
        let next: Vec<Expectation> = rules.iter().map(|alternatives| expectation(alternatives, &known)).collect();
        let settled = known.iter().zip(&next).all(|(old, new)| new.is_near(old));
        known = next;
        if settled {
            return match known.first() {
                None => Err(Error::setting("rules", "none", "one at least")),
                Some(sentence) if sentence.characters == 0.0 => {
                    Err(Error::setting("rules", "sentences without characters", "sentences with some"))
                }
                Some(_) => Ok(known),
            };
        }
    }
    Err(Error::setting("rules", "texts of infinite expected length", "less recursion"))
}

fn expectation(alternatives: &[Alternative], known: &[Expectation]) -> Expectation {
    let mut sum = Expectation::default();
    for Alternative { probability, symbols } in alternatives {
        let mut own = Expectation { choices: 1.0, nats: -probability.ln(), characters: 0.0 };
        for symbol in symbols {
            match symbol {
                Symbol::Text(text) => own.characters += text.chars().count() as f64,
                Symbol::Rule(rule) => {
                    own.choices += known[*rule].choices;
                    own.nats += known[*rule].nats;
                    own.characters += known[*rule].characters;
                }
            }
        }
        sum.choices += probability * own.choices;
        sum.nats += probability * own.nats;
        sum.characters += probability * own.characters;
    }
    sum
}

impl Expectation {
    fn is_near(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= PRECISION * b;
        near(self.choices, other.choices) && near(self.nats, other.nats) && near(self.characters, other.characters)
    }
}

#[cfg(test)]
mod tests;
