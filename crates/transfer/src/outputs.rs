//! What a network puts out for many pictures, batch after batch. What is done is kept in a journal, from which a computation that was
//! stopped goes on.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::batch::{ImageBatcher, WORKERS};
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_core::data::ImageSet;
use ognivo_core::train::loader::Loader;
use ognivo_core::{Error, run::sha256};

use crate::Result;

/// More numbers than this (1 GiB) are not kept.
pub(crate) const LARGEST: usize = 1 << 28;
/// Pictures in a forward pass. A journal goes on between batches, so it is part of what a journal says.
const BATCH: usize = 64;

/// Numbers of some pictures, one after the other.
pub(crate) struct Outputs {
    pub(crate) values: Vec<f32>,
    /// `[channels, height, width]` of one picture's.
    pub(crate) shape: [usize; 3],
}

/// What `forward` makes of the pictures of `set`, `[batch, channels, height, width]` to the same; none if it was told to stop. `journal`, whose
/// name must say all that the result depends on, keeps what is done. `go_on` is called with the number of pictures done since it was last
/// called, and says whether to go on.
pub(crate) fn compute(
    set: &Arc<dyn ImageSet>,
    preprocessing: &Preprocessing,
    device: &Device,
    journal: Option<&Path>,
    forward: &dyn Fn(Tensor<4>) -> Result<Tensor<4>>,
    go_on: &mut dyn FnMut(usize) -> bool,
) -> Result<Option<Outputs>> {
    let mut outputs = Outputs { values: Vec::new(), shape: [0; 3] };
    // A journal that cannot be kept costs time, nothing else.
    let mut journal = journal.and_then(|path| Journal::open(path, set.len(), &mut outputs));
    let width = outputs.shape.iter().product::<usize>().max(1);
    let done = outputs.values.len() / width;
    if done > 0 && !go_on(done) {
        return Ok(None);
    }
    let loader = Loader::new(ImageBatcher::evaluation(set.clone(), preprocessing.clone()), BATCH, WORKERS);
    for batch in loader.epoch(0, done.div_ceil(BATCH)) {
        let made = forward(batch?.upload(device).0)?;
        let [count, channels, height, width] = made.dims();
        outputs.shape = [channels, height, width];
        let rows = made.into_data().convert::<f32>().try_into_vec_as::<f32>();
        let rows = rows.map_err(|error| Error::Data(format!("features cannot be read: {error:?}")))?;
        journal = journal.and_then(|journal| journal.add([count, channels, height, width], &rows));
        outputs.values.extend(rows);
        if !go_on(count) {
            return Ok(None);
        }
    }
    Ok(Some(outputs))
}

/// Batches as they are done: for each its shape, its numbers and their SHA-256, so that an end that was not wholly written is not believed.
struct Journal(File);

impl Journal {
    /// The journal at `path`, what it holds added to `outputs`; none if it cannot be written or another process writes it.
    fn open(path: &Path, pictures: usize, outputs: &mut Outputs) -> Option<Self> {
        std::fs::create_dir_all(path.parent()?).ok()?;
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).ok()?;
        file.try_lock().ok()?;
        let length = file.metadata().ok()?.len();
        let (mut reader, mut sound, mut done) = (BufReader::new(&file), 0, 0);
        while let Some((shape, rows)) = record(&mut reader, length - sound) {
            let [count, own @ ..] = shape;
            // All batches but the last are full, and all have one shape.
            if done % BATCH != 0 || done + count > pictures || (done > 0 && own != outputs.shape) {
                break;
            }
            sound += bytes(shape)?;
            done += count;
            outputs.shape = own;
            outputs.values.extend(rows);
        }
        file.set_len(sound).ok()?;
        file.seek(SeekFrom::End(0)).ok()?;
        Some(Self(file))
    }

    /// Adds a batch; none if the disk refuses.
    fn add(mut self, shape: [usize; 4], rows: &[f32]) -> Option<Self> {
        let mut record: Vec<u8> = shape.iter().flat_map(|&size| (size as u64).to_le_bytes()).collect();
        record.extend(rows.iter().flat_map(|value| value.to_le_bytes()));
        let hash = sha256(&record);
        record.extend(hash.as_bytes());
        self.0.write_all(&record).ok()?;
        Some(self)
    }
}

/// Bytes of a record.
fn bytes(shape: [usize; 4]) -> Option<u64> {
    let numbers = shape.iter().try_fold(1usize, |all, &size| all.checked_mul(size)).filter(|&all| all <= LARGEST)?;
    Some(32 + 4 * numbers as u64 + 64)
}

/// The next record, if there is a whole one in the `left` bytes.
fn record(reader: &mut impl Read, left: u64) -> Option<([usize; 4], Vec<f32>)> {
    let mut head = [0; 32];
    reader.read_exact(&mut head).ok()?;
    let mut sizes = head.as_chunks::<8>().0.iter().map(|size| usize::try_from(u64::from_le_bytes(*size)).ok());
    let shape = [sizes.next()??, sizes.next()??, sizes.next()??, sizes.next()??];
    let length = bytes(shape).filter(|&length| length <= left)?;
    let mut record = head.to_vec();
    record.resize(length as usize - 64, 0);
    reader.read_exact(&mut record[32..]).ok()?;
    let mut hash = [0; 64];
    reader.read_exact(&mut hash).ok()?;
    let rows = record[32..].as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    (sha256(&record).as_bytes() == hash).then_some((shape, rows))
}

#[cfg(test)]
mod tests {
    use ognivo_core::data::{Subset, digits};

    use super::*;

    /// However a computation was stopped, what it ends with is what it would have been.
    #[test]
    fn a_stopped_computation_goes_on() {
        let train = digits().unwrap().train;
        let set: Arc<dyn ImageSet> = Arc::new(Subset::new(train, (0..200).collect()).unwrap());
        let preprocessing = Preprocessing::measure(&*set, None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/features.part");
        let run = |journal: Option<&Path>, most: usize| {
            let (mut told, mut calls) = (0, 0);
            let forward = |x: Tensor<4>| {
                assert!(x.dims()[0] <= BATCH);
                Ok(x * 2.0)
            };
            let made = compute(&set, &preprocessing, &Device::default(), journal, &forward, &mut |count| {
                (told, calls) = (told + count, calls + 1);
                calls < most
            });
            (made.unwrap(), told, calls)
        };
        let (whole, told, calls) = run(None, 10);
        let whole = whole.unwrap();
        assert_eq!((told, calls, whole.shape, whole.values.len()), (200, 4, [1, 8, 8], 200 * 64));
        assert!(run(Some(&path), 2).0.is_none());
        let full = std::fs::read(&path).unwrap();
        // The first call tells what the journal has.
        let (made, told, calls) = run(Some(&path), 10);
        assert!(made.unwrap().values == whole.values && (told, calls) == (200, 3));
        let (made, _, calls) = run(Some(&path), 10);
        assert!(made.unwrap().values == whole.values && calls == 1, "nothing is left to do");
        // A record that was cut short or damaged, and all after it, is made anew.
        let mut damaged = full.clone();
        damaged[full.len() / 2 + 50] ^= 1;
        let cut = full[..full.len() - 7].to_vec();
        let mut huge = full.clone();
        huge[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        for (start, calls_left) in [(cut, 4), (damaged, 4), (huge, 4), (b"no journal".to_vec(), 4), (full, 3)] {
            std::fs::write(&path, start).unwrap();
            let (made, told, calls) = run(Some(&path), 10);
            assert!(made.unwrap().values == whole.values);
            assert_eq!(told, 200);
            assert!(calls <= calls_left + 1, "{calls}");
        }
        // A journal that cannot be kept costs nothing but the chance to go on.
        assert!(run(Some(Path::new("/dev/null/x")), 10).0.unwrap().values == whole.values);
    }
}
