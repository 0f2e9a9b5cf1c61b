//! The small sets that are built into the program.

/// The files of the set `name`, if it ships: name and content.
pub(super) fn files(name: &str) -> Option<&'static [(&'static str, &'static [u8])]> {
    match name {
        "digits" => Some(&[("digits.csv.gz", crate::data::DIGITS)]),
        "karate" => Some(&[
            ("karate.edges", include_bytes!("../../../../datasets/karate/karate.edges")),
            ("karate.labels", include_bytes!("../../../../datasets/karate/karate.labels")),
        ]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Index;

    #[test]
    fn every_set_that_ships_is_embedded_whole() {
        for set in Index::built_in().unwrap().sets().iter().filter(|set| set.ships) {
            let embedded: Vec<_> =
                files(&set.name).unwrap().iter().map(|(name, data)| (*name, data.len() as u64)).collect();
            let listed: Vec<_> = set.files.iter().map(|file| (file.name.as_str(), file.bytes)).collect();
            assert_eq!(embedded, listed);
        }
    }
}
