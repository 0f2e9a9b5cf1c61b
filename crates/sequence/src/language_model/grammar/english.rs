//! The rules of [`Grammar::english`](super::Grammar::english).
//!
//! Adjectives and nouns begin with consonants, so that `a` is right before all of them.
//!
//! Each sentence is derived in one way only: every noun phrase begins with a determiner, `that` begins a relative clause
//! and nothing else, a noun has one such clause at most, no word stands in two lists, and the line end stands at the end
//! of a sentence and nowhere else.

/// Alternatives with their weights; `-one` is the singular and `-many` the plural.
type Rule = (&'static str, &'static [(f64, &'static str)]);

pub(super) const RULES: &[Rule] = &[
    ("sentence", &[(14.0, "{clause}.\n"), (3.0, "{speech}.\n"), (3.0, "when {clause}, {clause}.\n")]),
    ("speech", &[(3.0, "{phrase-one} says \"{clause}\""), (2.0, "{phrase-many} say \"{clause}\"")]),
    ("clause", &[(5.0, "{phrase-one} {predicate-one}"), (4.0, "{phrase-many} {predicate-many}")]),
    ("predicate-one", &[(4.0, "{intransitive-one}{manner}"), (5.0, "{transitive-one} {phrase}")]),
    ("predicate-many", &[(4.0, "{intransitive-many}{manner}"), (5.0, "{transitive-many} {phrase}")]),
    ("manner", &[(3.0, ""), (2.0, " {adverb}")]),
    ("phrase", &[(5.0, "{phrase-one}"), (4.0, "{phrase-many}")]),
    ("phrase-one", &[(1.0, "{determiner-one} {adjectives}{noun-one}{relative-one}")]),
    ("phrase-many", &[(1.0, "{determiner-many} {adjectives}{noun-many}{relative-many}")]),
    ("adjectives", &[(7.0, ""), (3.0, "{adjective} {adjectives}")]),
    ("relative-one", &[(15.0, ""), (3.0, " that {transitive-one} {phrase}"), (3.0, " that {seen}")]),
    ("relative-many", &[(15.0, ""), (3.0, " that {transitive-many} {phrase}"), (3.0, " that {seen}")]),
    ("seen", &[(5.0, "{phrase-one} {transitive-one}"), (4.0, "{phrase-many} {transitive-many}")]),
    ("determiner-one", &[(6.0, "the"), (4.0, "a"), (1.0, "every"), (1.0, "this")]),
    ("determiner-many", &[(5.0, "the"), (2.0, "many"), (1.0, "these"), (1.0, "two"), (1.0, "three")]),
    (
        "adjective",
        &[
            (6.0, "big"),
            (5.0, "small"),
            (4.0, "young"),
            (3.0, "happy"),
            (3.0, "grey"),
            (2.0, "hungry"),
            (2.0, "clever"),
            (1.0, "quiet"),
        ],
    ),
    (
        "noun-one",
        &[
            (8.0, "dog"),
            (7.0, "cat"),
            (6.0, "child"),
            (5.0, "woman"),
            (5.0, "man"),
            (4.0, "horse"),
            (4.0, "teacher"),
            (3.0, "bird"),
            (3.0, "farmer"),
            (2.0, "mouse"),
            (2.0, "doctor"),
            (1.0, "wolf"),
        ],
    ),
    (
        "noun-many",
        &[
            (8.0, "dogs"),
            (7.0, "cats"),
            (6.0, "children"),
            (5.0, "women"),
            (5.0, "men"),
            (4.0, "horses"),
            (4.0, "teachers"),
            (3.0, "birds"),
            (3.0, "farmers"),
            (2.0, "mice"),
            (2.0, "doctors"),
            (1.0, "wolves"),
        ],
    ),
    (
        "transitive-one",
        &[
            (7.0, "sees"),
            (5.0, "likes"),
            (4.0, "follows"),
            (3.0, "knows"),
            (3.0, "hears"),
            (2.0, "chases"),
            (1.0, "forgets"),
        ],
    ),
    (
        "transitive-many",
        &[(7.0, "see"), (5.0, "like"), (4.0, "follow"), (3.0, "know"), (3.0, "hear"), (2.0, "chase"), (1.0, "forget")],
    ),
    (
        "intransitive-one",
        &[(6.0, "sleeps"), (5.0, "runs"), (4.0, "waits"), (3.0, "sings"), (2.0, "laughs"), (1.0, "falls")],
    ),
    ("intransitive-many", &[(6.0, "sleep"), (5.0, "run"), (4.0, "wait"), (3.0, "sing"), (2.0, "laugh"), (1.0, "fall")]),
    ("adverb", &[(4.0, "today"), (3.0, "here"), (3.0, "again"), (2.0, "slowly"), (1.0, "outside")]),
];
