//! The set that ships: handwritten digits of the UCI repository, 1797 grey pictures of 8 x 8 pixels, 10 classes.

use std::path::Path;
use std::sync::Arc;

use super::table::{Table, TableOptions};
use super::{ImageSet, ImageSplits, Layout, Subset};
use crate::Result;

/// The file, as it ships inside the program.
pub(crate) const DIGITS: &[u8] = include_bytes!("../../../../datasets/digits/digits.csv.gz");
/// The first row of the test part, where the block of a new writer begins.
const TEST_FROM: usize = 1287;

/// Optical recognition of handwritten digits, test part (Alpaydin and Kaynak 1998, UCI repository, CC BY 4.0).
///
/// The split is fixed and by place in the file: rows 0 to 1286 train, rows 1287 to 1796 (510 pictures) test. The file is
/// in blocks of about 128 rows, each of which begins with the digits 0 to 9 three times: a form that one person filled
/// in. The test part is the last four of fourteen such blocks, so its handwriting is, as far as the file shows, not that
/// of the training part; a random split would be easier than the real task (nearest neighbour: 96 % here, 99 % there).
/// There is no validation part: split one off the training part with [`split_stratified`](super::split_stratified).
///
/// # Errors
/// None in a sound build: the file is part of the program.
pub fn digits() -> Result<ImageSplits> {
    let table = Table::from_bytes(DIGITS, Path::new("digits.csv.gz"), &TableOptions::default())?;
    let all: Arc<dyn ImageSet> = Arc::new(table.images(8, 8, Some(16.0))?);
    let train = Subset::new(all.clone(), (0..TEST_FROM).collect())?;
    let test = Subset::new(all.clone(), (TEST_FROM..all.len()).collect())?;
    Ok(ImageSplits {
        train: Arc::new(train),
        valid: None,
        test: Some(Arc::new(test)),
        warnings: Vec::new(),
        layout: Layout::Table,
    })
}
