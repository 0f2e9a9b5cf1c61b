//! The small sets that are built into the program.

/// The files of the set `name`, if it ships: name and content.
pub(super) fn files(name: &str) -> Option<&'static [(&'static str, &'static [u8])]> {
    macro_rules! embed {
        ($set:literal: $($file:literal),+) => {
            &[$(($file, include_bytes!(concat!("../../../../datasets/", $set, "/", $file)))),+]
        };
    }
    match name {
        "digits" => Some(embed!("digits":
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::Path;

    use flate2::read::GzDecoder;

    use super::*;
    use crate::dataset::Index;

    fn unzipped(data: impl Read) -> Vec<u8> {
        let mut plain = Vec::new();
        GzDecoder::new(data).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn every_set_that_ships_is_embedded_whole() {
        for set in Index::built_in().unwrap().sets().iter().filter(|set| set.ships) {
            let embedded: Vec<_> = files(&set.name).unwrap().iter().map(|(name, _)| *name).collect();
            let listed: Vec<_> = set.files.iter().map(|file| file.name.as_str()).collect();
            assert_eq!(embedded, listed);
        }
    }

    /// The conversion against its source, value by value, in another language than it was made in.
    #[test]
    fn digits_equal_the_table_they_were_made_from() {
        let Some(data) = std::env::var_os("OGNIVO_DATA") else { return eprintln!("skipped: OGNIVO_DATA is not set") };
        let table = Path::new(&data).join("sklearn-small/digits.csv.gz");
        let Ok(table) = std::fs::File::open(&table) else { return eprintln!("skipped: no {}", table.display()) };
        let table = String::from_utf8(unzipped(table)).unwrap();
        let mut pixels = Vec::new();
        let mut labels = Vec::new();
        for line in table.lines() {
            let mut row: Vec<f64> = line.split(',').map(|value| value.trim().parse().unwrap()).collect();
            labels.push(row.pop().unwrap() as u8);
            pixels.extend(row.iter().map(|value| (value * 255.0 / 16.0).round() as u8));
        }
        let contents: Vec<Vec<u8>> = files("digits").unwrap().iter().map(|(_, data)| unzipped(*data)).collect();
        let header = |magic: u32, sizes: &[u32]| -> Vec<u8> {
            [magic].iter().chain(sizes).flat_map(|number| number.to_be_bytes()).collect()
        };
        let (train, test) = (1415, 382);
        assert_eq!(contents[0], [header(2051, &[1415, 8, 8]), pixels[..train * 64].to_vec()].concat());
        assert_eq!(contents[1], [header(2049, &[1415]), labels[..train].to_vec()].concat());
        assert_eq!(contents[2], [header(2051, &[382, 8, 8]), pixels[train * 64..].to_vec()].concat());
        assert_eq!(contents[3], [header(2049, &[382]), labels[train..].to_vec()].concat());
        assert_eq!(labels.len(), train + test);
    }
}
