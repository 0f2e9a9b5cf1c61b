use std::collections::BTreeSet;
use std::sync::Arc;

use ognivo_core::data::{self, ClassSubset, ImageSet, MemoryImages, Subset, split_stratified};
use proptest::prelude::*;

use crate::{assert_says, message, names};

/// Grey pictures of one pixel, whose value is their index.
fn labelled(labels: &[usize], classes: usize) -> Arc<dyn ImageSet> {
    let pixels = (0..labels.len()).map(|index| index as u8).collect();
    let classes = (0..classes).map(|class| class.to_string()).collect();
    Arc::new(MemoryImages::new("set", [1, 1, 1], pixels, labels.to_vec(), classes).unwrap())
}

#[test]
fn a_set_in_memory_gives_its_pictures() {
    let pixels = (0..12).collect();
    let set = MemoryImages::new("set", [1, 2, 3], pixels, vec![1, 0], names(&["a", "b"])).unwrap();
    let image = set.image(1).unwrap();
    assert_eq!((image.width, image.height, image.channels), (2, 1, 3));
    assert_eq!(image.pixels, [6, 7, 8, 9, 10, 11]);
    assert_says(&message(set.image(2)), &["set", "no picture 2", "there are 2"]);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let new = |shape, bytes: usize, labels: &[usize]| {
        message(MemoryImages::new("set", shape, vec![0; bytes], labels.to_vec(), names(&["a", "b"])))
    };
    assert_says(&new([2, 2, 1], 7, &[0, 1]), &["2 pictures", "height 2", "7 bytes"]);
    assert_says(&new([2, 2, 2], 8, &[0]), &["2 channels"]);
    assert_says(&new([0, 2, 1], 0, &[0]), &["height 0"]);
    assert_says(&new([usize::MAX, 2, 1], 0, &[]), &["cannot stand on"]);
    assert_says(&new([1, 1, 1], 3, &[0, 1, 2]), &["record 2", "label 2", "from 0 to 1"]);
}

#[test]
fn a_subset_maps_indices() {
    let set = labelled(&[0, 1, 2, 1], 3);
    let part = Subset::new(set.clone(), vec![3, 0, 3]).unwrap();
    assert_eq!((part.len(), part.label(0), part.label(1)), (3, 1, 0));
    assert_eq!(part.image(2).unwrap().pixels, [3]);
    assert_eq!(part.origin(2), "set[3]");
    assert_says(&message(part.image(3)), &["no picture 3"]);
    assert_says(&message(Subset::new(set, vec![4])), &["no picture 4", "set of 4"]);
}

#[test]
fn some_classes_are_a_set_of_their_own() {
    let set = labelled(&[0, 1, 2, 1, 2], 3);
    let part = ClassSubset::new(set.clone(), &names(&["2", "0"])).unwrap();
    assert_eq!((part.len(), part.classes()), (3, &names(&["2", "0"])[..]));
    assert_eq!([0, 1, 2].map(|index| part.label(index)), [1, 0, 0]);
    assert_eq!((part.image(1).unwrap().pixels, part.origin(2)), (vec![2], "set[4]".into()));
    assert_says(&message(ClassSubset::new(set.clone(), &names(&["2", "3"]))), &["\"3\"", "0, 1, 2"]);
    assert_says(&message(ClassSubset::new(set, &names(&["2", "2"]))), &["\"2\"", "at most once"]);
}

#[test]
fn the_split_is_fixed() {
    let set = labelled(&[0, 1, 0, 1, 0, 1, 0, 1, 2, 0], 3);
    let (left, taken) = split_stratified(&set, 0.5, 7).unwrap();
    // Two or three of five, two of four, none of a class with a single picture; the numbers pin the generator.
    assert_eq!(taken.indices(), PINNED_TAKEN);
    assert_eq!(left.len() + taken.len(), 10);
    assert!(left.indices().contains(&8));
    let other: Vec<Vec<usize>> =
        (0..20).map(|seed| split_stratified(&set, 0.5, seed).unwrap().1.indices().to_vec()).collect();
    assert!(other.iter().collect::<BTreeSet<_>>().len() > 5, "the seed does not matter: {other:?}");
}

const PINNED_TAKEN: [usize; 5] = [0, 2, 3, 7, 9];

#[test]
fn splits_that_cannot_be_are_refused() {
    let set = labelled(&[0, 1], 2);
    for fraction in [0.0, 1.0, -0.5, f64::NAN] {
        assert_says(&message(split_stratified(&set, fraction, 0)), &["fraction", "above 0 and below 1"]);
    }
    assert_says(&message(split_stratified(&set, 0.5, 0)), &["nothing to split off"]);
}

proptest! {
    #[test]
    fn a_split_keeps_every_class(labels in proptest::collection::vec(0usize..5, 2..200), fraction in 0.01..0.99, seed: u64) {
        let set = labelled(&labels, 5);
        prop_assume!((0..5).any(|class| labels.iter().filter(|&&label| label == class).count() > 1));
        let (left, taken) = split_stratified(&set, fraction, seed).unwrap();
        let mut all: Vec<usize> = left.indices().iter().chain(taken.indices()).copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        prop_assert!(taken.indices().is_sorted() && left.indices().is_sorted());
        for class in 0..5 {
            let count = |part: &Subset| (0..part.len()).filter(|&index| part.label(index) == class).count();
            let (left, taken) = (count(&left), count(&taken));
            let n = left + taken;
            if n > 1 {
                prop_assert!(left > 0 && taken > 0);
                prop_assert!((taken as f64 - fraction * n as f64).abs() <= 1.0);
            } else {
                prop_assert_eq!(taken, 0);
            }
        }
    }
}

#[test]
fn the_digits_that_ship() {
    let splits = data::digits().unwrap();
    let test = splits.test.unwrap();
    let counts = |set: &dyn ImageSet| {
        let mut counts = [0; 10];
        (0..set.len()).for_each(|index| counts[set.label(index)] += 1);
        counts
    };
    assert_eq!(counts(splits.train.as_ref()), [127, 130, 127, 131, 129, 130, 129, 128, 127, 129]);
    assert_eq!(counts(test.as_ref()), [51, 52, 50, 52, 52, 52, 52, 51, 47, 51]);
    // The first row of the file is 0, 0, 5, 13, 9, 1, 0, 0, of 16; and a 0.
    assert_eq!(splits.train.image(0).unwrap().pixels[..8], [0, 0, 80, 207, 143, 16, 0, 0]);
    assert_eq!(splits.train.label(0), 0);
    // A form begins with the digits in order, three times.
    for (set, from) in [(&splits.train, 0), (&splits.train, 130), (&test, 0)] {
        let labels: Vec<usize> = (from..from + 30).map(|index| set.label(index)).collect();
        assert_eq!(labels, (0..30).map(|index| index % 10).collect::<Vec<_>>());
    }
    assert_eq!(test.origin(0), "digits.csv.gz[1287]");
}
