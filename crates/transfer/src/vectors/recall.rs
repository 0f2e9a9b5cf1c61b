//! Whether near pictures are of one class.

use std::collections::HashMap;
use std::sync::Arc;

use ognivo_cnn::image::augment::FloatImage;
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_core::data::{ImageSet, folder::FolderImages};
use ognivo_core::metrics::Interval;
use ognivo_embeddings::query::{Index, Query};
use ognivo_embeddings::{Table, WordVectors};

use super::files::{PictureFiles, class_of};
use crate::Result;

/// Questions asked at once.
const QUESTIONS: usize = 1024;
/// The longest side that pictures have when their pixels are compared.
const SIDE: usize = 32;

/// What the `k` nearest pictures of each are worth, among pictures whose class has at least two.
#[derive(Clone, Debug, PartialEq)]
pub struct Recall {
    /// How many neighbours.
    pub k: usize,
    /// The share of pictures with one of their own class among these (recall@k as in metric learning; Jégou, Douze and Schmid 2011).
    pub recall: Interval,
    /// The share of all these neighbours that are of the class of the picture asked about.
    pub precision: f64,
    /// The recall of neighbours drawn at random.
    pub chance: f64,
}

/// Measures vectors whose names tell their classes ([`class_of`]). Each picture is asked about and is no answer to itself. Empty where no class
/// has two pictures.
///
/// # Errors
/// The memory cannot be had.
pub fn recall(vectors: &WordVectors, ks: &[usize]) -> Result<Vec<Recall>> {
    let classes: Vec<Option<&str>> = vectors.words().iter().map(class_of).collect();
    let mut sizes = HashMap::new();
    classes.iter().flatten().for_each(|class| *sizes.entry(*class).or_insert(0usize) += 1);
    let size = |row: usize| classes[row].map_or(0, |class| sizes[class]);
    let asked: Vec<usize> = (0..classes.len()).filter(|&row| size(row) > 1).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let most = ks.iter().copied().max().unwrap_or(0).min(classes.len() - 1);
    let index = Index::new(vectors)?;
    // Of each question, which of its neighbours are right.
    let mut answers: Vec<Vec<bool>> = Vec::with_capacity(asked.len());
    for rows in asked.chunks(QUESTIONS) {
        let queries: Vec<_> = rows
            .iter()
            .map(|&row| Query { vector: vectors.table().row(row).to_vec(), exclude: vec![row as u32] })
            .collect();
        let found = index.nearest(&queries, most);
        answers.extend(rows.iter().zip(found).map(|(&row, found)| {
            found.iter().map(|near| classes[near.id as usize] == classes[row]).collect::<Vec<_>>()
        }));
    }
    let measure = |&k: &usize| {
        let firsts = || answers.iter().map(|answer| &answer[..answer.len().min(k)]);
        let found = firsts().filter(|first| first.contains(&true)).count();
        let (right, all) = firsts().fold((0, 0), |(right, all), first| {
            (right + first.iter().filter(|&&right| right).count(), all + first.len())
        });
        let chance = asked.iter().map(|&row| any_of(size(row) - 1, classes.len() - 1, k)).sum::<f64>();
        Recall {
            k,
            recall: Interval::wilson(found as u64, asked.len() as u64),
            precision: right as f64 / all.max(1) as f64,
            chance: chance / asked.len() as f64,
        }
    };
    Ok(ks.iter().map(measure).collect())
}

/// The probability that `k` of `all`, drawn without putting back, hold one of the `right`.
fn any_of(right: usize, all: usize, k: usize) -> f64 {
    let none = |drawn: usize| (all - right).saturating_sub(drawn) as f64 / (all - drawn) as f64;
    1.0 - (0..k.min(all)).map(none).product::<f64>()
}

/// The pictures themselves as vectors, to compare with: the pixels as the network sees them, at most 32 x 32 of them.
///
/// # Errors
/// A picture cannot be read any more; the memory cannot be had.
pub fn pixels(files: &PictureFiles, preprocessing: &Preprocessing) -> Result<WordVectors> {
    let small = |side: usize| side.min(SIDE);
    let (height, width) = (small(preprocessing.height), small(preprocessing.width));
    let shape = Preprocessing { height, width, ..preprocessing.clone() };
    let paths = files.names.iter().map(|name| (files.path(name), 0)).collect();
    let set: Arc<dyn ImageSet> = Arc::new(FolderImages::new(paths, vec![String::new()])?);
    let mut table = Table::zeros(set.len(), shape.values())?;
    for row in 0..set.len() {
        let image = FloatImage::from(&shape.fit(&set.image(row)?)?);
        shape.normalise(image.pixels(), table.row_mut(row));
    }
    Ok(WordVectors::new(files.names.iter().map(String::as_str).collect(), table)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_of_pictures_on_a_circle() {
        // Degrees; b has a stranger among its own, the only c cannot be found.
        let places =
            [("a/1", 0.0), ("a/2", 4.0), ("b/1", 40.0), ("a/3", 43.0), ("b/2", 50.0), ("c/1", 90.0), ("top", 120.0)];
        let values: Vec<f32> = places
            .iter()
            .flat_map(|(_, degrees)| [f32::to_radians(*degrees).cos(), f32::to_radians(*degrees).sin()])
            .collect();
        let names = places.iter().map(|(name, _)| *name).collect();
        let vectors = WordVectors::new(names, Table::from_values(2, &values).unwrap()).unwrap();
        let found = recall(&vectors, &[1, 2]).unwrap();
        // Nearest: a1 a2, a2 a1, b1 a3, a3 b1, b2 a3. The second: b1 b2 too, a3 b2, b2 b1.
        assert_eq!((found[0].recall.value, found[0].precision), (0.4, 0.4));
        assert_eq!((found[1].recall.value, found[1].precision), (0.8, 0.4));
        // Two of six others are right for an a, one for a b.
        assert!((found[0].chance - (3.0 * 2.0 / 6.0 + 2.0 / 6.0) / 5.0).abs() < 1e-12);
        let (a, b) = (1.0 - 4.0 * 3.0 / 30.0, 1.0 - 5.0 * 4.0 / 30.0);
        assert!((found[1].chance - (3.0 * a + 2.0 * b) / 5.0).abs() < 1e-12);
        assert!((any_of(2, 3, 10) - 1.0).abs() < 1e-12);
    }
}
