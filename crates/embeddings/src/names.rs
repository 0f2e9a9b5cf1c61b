//! Distinct names (words, labels, nodes) and their numbers.

use ahash::RandomState;
use hashbrown::HashTable;

/// Distinct strings, numbered in the order in which they came; found by text or by number.
///
/// The text of all stands in one piece of memory, so a name costs its bytes and about 16 more.
#[derive(Clone)]
pub struct Names {
    text: String,
    /// Where each name ends in `text`.
    ends: Vec<usize>,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl Default for Names {
    fn default() -> Self {
        // Any fixed keys: numbers do not depend on the hash.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        Self { text: String::new(), ends: Vec::new(), index: HashTable::new(), hasher }
    }
}

impl Names {
    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Name number `id`.
    ///
    /// # Panics
    /// When there is no such number.
    pub fn name(&self, id: u32) -> &str {
        name(&self.text, &self.ends, id)
    }

    /// The number of a name.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.index.find(self.hasher.hash_one(name), |&id| self.name(id) == name).copied()
    }

    /// The number of a name, which is added at the end if it is new; whether it was.
    ///
    /// # Panics
    /// When there are 2^32 names already.
    pub fn insert(&mut self, new: &str) -> (u32, bool) {
        let Self { text, ends, index, hasher } = self;
        let entry = index.entry(
            hasher.hash_one(new),
            |&id| name(text, ends, id) == new,
            |&id| hasher.hash_one(name(text, ends, id)),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => (*found.get(), false),
            hashbrown::hash_table::Entry::Vacant(place) => {
                let id = u32::try_from(ends.len()).expect("fewer than 2^32 names");
                place.insert(id);
                text.push_str(new);
                ends.push(text.len());
                (id, true)
            }
        }
    }

    /// All names in the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len() as u32).map(|id| self.name(id))
    }
}

fn name<'a>(text: &'a str, ends: &[usize], id: u32) -> &'a str {
    let id = id as usize;
    let start = id.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start..ends[id]]
}

impl<S: AsRef<str>> FromIterator<S> for Names {
    /// Repeated names count once.
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut all = Self::default();
        for name in names {
            all.insert(name.as_ref());
        }
        all
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.ends == other.ends
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_text_and_by_number() {
        let mut names: Names = ["the", "", "дом", "the"].into_iter().collect();
        assert_eq!(names.len(), 3);
        assert_eq!((names.get("дом"), names.get(""), names.get("d")), (Some(2), Some(1), None));
        assert_eq!(names.insert("the"), (0, false));
        assert_eq!(names.insert("d"), (3, true));
        assert_eq!(names.iter().collect::<Vec<_>>(), ["the", "", "дом", "d"]);
        for i in 0..10_000 {
            names.insert(&i.to_string());
        }
        assert!((0..10_000).all(|i| names.get(&i.to_string()) == Some(i + 4)));
    }
}
