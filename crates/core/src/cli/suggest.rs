//! "Did you mean": the known name nearest to what was typed.

/// The candidate that differs from `word` by the fewest insertions, deletions, replacements and swaps of neighbours,
/// ignoring ASCII case, if these are at most a third of its length (and at least one is always allowed).
///
/// The first of equally near candidates wins.
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    // A word this long is no slip of the hand, and the distance takes time in proportion to it.
    if word.len() > 64 {
        return None;
    }
    let near = |candidate: &&&str| distance(word, candidate);
    let best = candidates.iter().min_by_key(near)?;
    (distance(word, best) <= (best.chars().count() / 3).max(1)).then_some(*best)
}

/// `unknown optimizer "adma"; did you mean "adam"?`, or the list of what there is.
pub fn unknown(kind: &str, word: &str, candidates: &[&str]) -> String {
    let word: String = word.chars().take(64).collect();
    match nearest(&word, candidates) {
        Some(candidate) => format!("unknown {kind} {word:?}; did you mean {candidate:?}?"),
        None => format!("unknown {kind} {word:?}; expected one of: {}", candidates.join(", ")),
    }
}

/// Optimal string alignment distance: Levenshtein's with swaps of neighbours; case does not count.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_ascii_lowercase(), &b.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("adma", "adam", 1),
            ("ca", "abc", 3),
            ("Flip", "flip", 0),
            ("размер", "рамзер", 1),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let names = ["shift", "crop", "flip", "rotate"];
        assert_eq!(nearest("rotat", &names), Some("rotate"));
        assert_eq!(nearest("rotation", &names), None);
        assert_eq!(nearest("roatte", &names), Some("rotate"));
        assert_eq!(nearest("filp", &names), Some("flip"));
        assert_eq!(nearest("x", &names), None);
        assert_eq!(nearest(&"shift".repeat(1000), &names), None);
        assert_eq!(nearest("shift", &[]), None);
    }

    #[test]
    fn message_lists_names_when_none_is_near() {
        assert_eq!(unknown("option", "filp", &["flip", "crop"]), r#"unknown option "filp"; did you mean "flip"?"#);
        assert_eq!(
            unknown("option", "mosaic", &["flip", "crop"]),
            r#"unknown option "mosaic"; expected one of: flip, crop"#
        );
    }
}
