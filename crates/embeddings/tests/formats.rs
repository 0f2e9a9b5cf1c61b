//! Files of vectors: those of gensim, NumPy and safetensors read back exactly, ours are what these read back exactly
//! (`reference/formats.py` made and checked them), and every fault is said with its place and a way out.
#![cfg(feature = "flex")]

use std::fs;
use std::path::{Path, PathBuf};

use ognivo_embeddings::format::{
    Format, read_model, read_vectors, read_vectors_as, read_vocabulary, write_model, write_vectors, write_vocabulary,
};
use ognivo_embeddings::{Names, Table, WordVectors};
use proptest::prelude::*;

const WORDS: [&str; 5] = ["the", "дом", "naïve", "1.5", "</s>"];
const COUNTS: [u64; 5] = [31, 7, 7, 2, 0];

fn expected() -> WordVectors {
    let mut values: Vec<f32> = (0..20).map(|i| ((((i / 4) * 7 + (i % 4) * 3) % 11 - 5) as f64 / 7.0) as f32).collect();
    values[12..16].copy_from_slice(&[1e-20, f32::MAX, -0.0, 1e-45]);
    WordVectors::new(WORDS.into_iter().collect(), Table::from_values(4, &values).unwrap()).unwrap()
}

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/formats").join(name)
}

fn bits(vectors: &WordVectors) -> Vec<Vec<u32>> {
    vectors.table().iter().map(|row| row.iter().map(|value| value.to_bits()).collect()).collect()
}

fn said<T: std::fmt::Debug>(result: ognivo_embeddings::Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn files_of_others_are_read_exactly() {
    for (name, format) in [
        ("theirs.txt", Format::Word2vec),
        ("theirs.txt.gz", Format::Word2vec),
        ("theirs.vec", Format::Word2vec),
        ("theirs.bin", Format::Word2vecBinary),
        ("theirs-c.bin", Format::Word2vecBinary),
        ("theirs.glove", Format::Glove),
        ("theirs-f4.npy", Format::Npy),
        ("theirs-f8.npy", Format::Npy),
        ("theirs.safetensors", Format::Safetensors),
        ("theirs_tensor.tsv", Format::Projector),
    ] {
        assert_eq!(Format::of_file(&reference(name)).unwrap(), format, "{name}");
        let vectors = read_vectors(&reference(name)).unwrap();
        assert_eq!(vectors, expected(), "{name}");
        assert_eq!(bits(&vectors), bits(&expected()), "{name}");
    }
    let half = read_vectors(&reference("theirs-f2.npy")).unwrap();
    for (word, (half, whole)) in half.table().iter().zip(expected().table().iter()).enumerate().filter(|(w, _)| *w != 3)
    {
        assert!(half.iter().zip(whole).all(|(a, b)| (a - b).abs() <= b.abs() / 2048.0), "{word}: {half:?}");
    }
    assert_eq!(half.get("1.5").unwrap(), [0.0, f32::INFINITY, 0.0, 0.0]);
    let fortran = said(read_vectors(&reference("theirs-fortran.npy")));
    assert!(fortran.contains("fortran_order") && fortran.contains("ascontiguousarray"), "{fortran}");
    let (names, counts) = read_vocabulary(&reference("theirs.vocab")).unwrap();
    assert_eq!((names, counts.as_slice()), (WORDS.into_iter().collect(), &COUNTS[..]));
}

#[test]
fn ours_are_the_files_that_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = expected();
    let names = ["ours.txt", "ours.bin", "ours.glove", "ours.npy", "ours.safetensors", "ours_tensor.tsv"];
    for name in names {
        let path = folder.path().join(name);
        write_vectors(&path, Format::of_name(&path).unwrap(), &vectors).unwrap();
        assert_eq!(bits(&read_vectors(&path).unwrap()), bits(&vectors), "{name}");
    }
    write_vocabulary(&folder.path().join("ours.vocab"), vectors.words(), &COUNTS, ' ').unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let kept = reference(name.to_str().unwrap());
        if std::env::var_os("OGNIVO_WRITE_REFERENCE").is_some() {
            fs::copy(&path, &kept).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), fs::read(&kept).unwrap(), "{name:?}");
    }
}

#[test]
fn a_model_comes_back_with_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let names: Names = ["a", "b c"].into_iter().collect();
    let input = Table::from_values(2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let output = Table::from_values(2, &[7.0, 8.0]).unwrap();
    write_model(folder.path(), &names, &[5, 3], &input, Some(&output)).unwrap();
    let model = read_model(folder.path()).unwrap();
    assert_eq!((&model.names, model.counts.as_slice()), (&names, &[5, 3][..]));
    assert_eq!((&model.input, model.output.as_ref()), (&input, Some(&output)));
    // Rows of sub-words are no words.
    let vectors = read_vectors(folder.path()).unwrap();
    assert_eq!((vectors.words(), vectors.get("b c"), vectors.table().rows()), (&names, Some(&[3.0, 4.0][..]), 2));
    let (tensors, _) = ognivo_core::weights::read(&folder.path().join("model.safetensors")).unwrap();
    assert_eq!(tensors["input"].as_slice::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    write_model(folder.path(), &names, &[5, 3], &output, None).unwrap();
    let error = said(read_model(folder.path()));
    assert!(error.contains("tensor input: found 1 rows; expected one for each of the 2 names"), "{error}");
}

#[test]
fn faults_are_said_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let cases: &[(Format, &[u8], &str)] = &[
        (Format::Word2vec, b"2 2\na 1 2\nb 1\n", "line 3: found 1 numbers after \"b\"; expected 2 numbers"),
        (Format::Word2vec, b"2 2\na 1 2\nb 1 2 3\n", "line 3: found more than 2 numbers; expected 2 numbers"),
        (Format::Word2vec, b"2 2\na 1 2\nb 1 x\n", "line 3: found \"x\" as number 2 of 2; expected a number"),
        (
            Format::Word2vec,
            b"3 2\na 1 2\nb 1 2\n",
            "line 4: found the end of the file after 2 vectors; expected 3 vectors",
        ),
        (
            Format::Word2vec,
            b"1 2\na 1 2\nb 1 2\n",
            "line 3: found one more line; expected the end of the file after 1 v",
        ),
        (
            Format::Word2vec,
            b"2 2\na 1 2\nb\xe9 1 2\n",
            "line 3, byte 2 of it: found bytes that are not UTF-8 after \"b\"",
        ),
        (Format::Word2vec, b"1 0\na\n", "line 1: found 0 dimensions"),
        (Format::Word2vec, b"", "line 1: found \"\""),
        (Format::Word2vec, b"4000000000000 300\n", "line 1: found a file that holds at most 0 more bytes"),
        (Format::Word2vec, b"1 18446744073709551615\na 1\n", "line 1: found a file that holds at most 4 more bytes"),
        (Format::Word2vecBinary, b"1000000000 1000000000\n", "line 1: found a file that holds at most 0 more bytes"),
        (
            Format::Word2vecBinary,
            b"1 1\na 12345",
            "byte 10: found more bytes; expected the end of the file after 1 words",
        ),
        (Format::Word2vecBinary, b"1 2\na 1234567", "byte 6: found the end of the file; expected 8 bytes of a vector"),
        (Format::Word2vecBinary, b"2 1\na 1234bb1234", "byte 10: found the end of the file after \"bb1234\""),
        (Format::Word2vecBinary, b"1 1\n\xff 1234", "the name of word 1, byte 1 of it: found bytes that are not UTF-8"),
        (Format::Glove, b"a 1 2\nb 1\n", "line 2: found 1 numbers after \"b\"; expected 2 numbers"),
        (Format::Glove, b"a b c\n", "line 1: found \"a b c\"; expected a word and its numbers"),
        (Format::Npy, b"\x93NUMPY\x04\0\0\0", "byte 6: found version 4"),
        (Format::Npy, b"\x93NUMPY\x02\0\xff\xff\xff\xff", "byte 8: found a header of 4294967295 bytes"),
        (Format::Safetensors, b"\xff\xff\xff\xff\xff\xff\xff\x7f{", "byte 0: found a header of"),
    ];
    for (format, bytes, expected) in cases {
        fs::write(&path, bytes).unwrap();
        let error = said(read_vectors_as(&path, *format));
        assert!(error.starts_with(path.to_str().unwrap()) && error.contains(expected), "{error}\n{expected}");
    }
    let array = |dict: &str| [b"\x93NUMPY\x01\0", &(dict.len() as u16).to_le_bytes()[..], dict.as_bytes()].concat();
    for (dict, expected) in [
        ("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }", "expected numbers of type <f2, <f4 or <f8"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "expected a shape of rows and columns"),
        ("{'descr': '<f4', 'shape': (1, 2), }", "expected a dictionary with the key 'fortran_order'"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 99999999), }", "holds at most 0 more bytes"),
    ] {
        fs::write(&path, array(dict)).unwrap();
        let error = said(read_vectors(&path));
        assert!(error.contains(": header: found ") && error.contains(expected), "{error}\n{expected}");
    }
    let vocabularies: [(&[u8], &str); 3] = [
        (b"a 1\nb\n", "line 2: found \"b\"; expected a word, a space or tab"),
        (b"a 1\na 2\n", "line 2: found \"a\" a second time"),
        (b"a 1\nb -2\n", "line 2: found \"b -2\""),
    ];
    for (bytes, expected) in vocabularies {
        fs::write(&path, bytes).unwrap();
        let error = said(read_vocabulary(&path));
        assert!(error.contains(expected), "{error}");
    }
    fs::write(&path, "nothing of the kind").unwrap();
    assert!(said(read_vectors(&path)).contains("line 1: found \"nothing of the kind\""));
    fs::write(&path, 793_712_314_u32.to_le_bytes()).unwrap();
    assert!(said(read_vectors(&path)).contains("found a fastText model"));
    assert!(said(read_vectors(&folder.path().join("none"))).contains("cannot open"));
}

#[test]
fn what_real_files_do_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let read = |format, bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let vectors = read_vectors_as(&path, format).unwrap();
        (
            vectors.words().iter().map(String::from).collect::<Vec<_>>(),
            vectors.table().iter().flatten().copied().collect(),
        )
    };
    let two = |a: &str, b: &str| (vec![a.to_string(), b.to_string()], vec![1.0f32, 2.0, 3.0, 4.0]);
    // Names with spaces in GloVe's largest file; Windows line ends; tabs; blank lines; no line break at the end.
    assert_eq!(read(Format::Glove, b"at name@domain.com 1 2\n. . . 3 4\n").0[1], ". . .");
    assert_eq!(read(Format::Word2vec, b"2 2\r\na 1 2\r\nb 3 4\r\n"), two("a", "b"));
    assert_eq!(read(Format::Word2vec, b"2 2\na\t1\t2\n\nb  3 4\n \n"), two("a", "b"));
    assert_eq!(read(Format::Glove, b"a 1 2\n\nb 3 4"), two("a", "b"));
    assert_eq!(read(Format::Glove, b"7 1 2\n8 3 4"), two("7", "8"));
    // fastText has a word without letters where a line of its corpus ended so.
    assert_eq!(read(Format::Word2vec, b"2 2\n 1 2\nb 3 4\n"), two("", "b"));
    // The first of two is kept, as in gensim.
    assert_eq!(read(Format::Word2vec, b"4 2\na 1 2\na 5 6\nb 3 4\na 7 8\n"), two("a", "b"));
    assert_eq!(read(Format::Word2vecBinary, b"3 1\na \0\0\0\0\na \0\0\0\0b \0\0\0\0\n").0, ["a", "b"]);
    assert_eq!(read(Format::Word2vec, b"0 2\n").0.len(), 0);
}

#[test]
fn names_a_format_cannot_hold_are_refused_with_one_that_can() {
    let folder = tempfile::tempdir().unwrap();
    let vectors =
        |name: &str| WordVectors::new([name].into_iter().collect(), Table::from_values(1, &[1.0]).unwrap()).unwrap();
    for (name, refusing) in [
        ("New York", &[Format::Word2vec, Format::Word2vecBinary, Format::Glove][..]),
        ("a\tb", &[Format::Word2vec, Format::Glove, Format::Projector]),
        ("a\nb", &[Format::Word2vec, Format::Word2vecBinary, Format::Glove, Format::Npy, Format::Projector]),
    ] {
        for format in Format::ALL {
            let path = folder.path().join(format.name());
            let written = write_vectors(&path, format, &vectors(name));
            if refusing.contains(&format) {
                let error = said(written);
                assert!(error.contains("the format safetensors holds any name") && !path.exists(), "{error}");
            } else {
                written.unwrap();
                assert_eq!(read_vectors_as(&path, format).unwrap(), vectors(name), "{format:?}");
            }
        }
        fs::read_dir(folder.path()).unwrap().for_each(|entry| fs::remove_file(entry.unwrap().path()).unwrap());
    }
    assert!(said("glov".parse::<Format>()).contains("did you mean \"glove\""));
    assert!(said(Format::of_name(Path::new("vectors"))).contains("a name that ends in .txt"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any float, in any format, in blocks that end anywhere.
    #[test]
    fn every_number_survives(
        seed in any::<u32>(), rows in 1usize..300, dim in 1usize..40,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut state = u64::from(seed);
        let values: Vec<f32> = (0..rows * dim).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = f32::from_bits((state >> 32) as u32);
            if value.is_nan() { 0.5 } else { value }
        }).collect();
        let names: Names = (0..rows).map(|row| format!("w{row}")).collect();
        let vectors = WordVectors::new(names, Table::from_values(dim, &values).unwrap()).unwrap();
        for format in Format::ALL {
            let path = folder.path().join(format.name());
            write_vectors(&path, format, &vectors).unwrap();
            let read = read_vectors_as(&path, format).unwrap();
            prop_assert_eq!(bits(&read), bits(&vectors), "{:?}", format);
            prop_assert_eq!(Format::of_file(&path).unwrap(), format);
        }
    }
}

/// More than one block of text, and lines that are longer than one.
#[test]
fn long_files_are_read_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.txt");
    for (rows, dim) in [(30_000, 20), (3, 300_000)] {
        let mut table = Table::zeros(rows, dim).unwrap();
        for row in 0..rows {
            table
                .row_mut(row)
                .iter_mut()
                .enumerate()
                .for_each(|(i, value)| *value = ((row * 7 + i) % 1000) as f32 / 7.0);
        }
        let names: Names = (0..rows).map(|row| format!("слово{row}")).collect();
        let vectors = WordVectors::new(names, table).unwrap();
        for format in [Format::Word2vec, Format::Word2vecBinary, Format::Glove] {
            write_vectors(&path, format, &vectors).unwrap();
            assert_eq!(Format::of_file(&path).unwrap(), format);
            assert_eq!(read_vectors(&path).unwrap(), vectors, "{format:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn devices_end_and_full_disks_keep_the_old_file() {
    let error = said(read_vectors_as(Path::new("/dev/zero"), Format::Glove));
    assert!(error.contains("/dev/zero: kind: found a pipe or device"), "{error}");
    for format in [Format::Word2vec, Format::Word2vecBinary, Format::Npy, Format::Safetensors, Format::Projector] {
        assert!(said(read_vectors_as(Path::new("/dev/zero"), format)).contains("/dev/zero: "), "{format:?}");
    }
    let refused = said(write_vectors(Path::new("/proc/none.txt"), Format::Word2vec, &expected()));
    assert!(refused.contains("/proc/none.txt: cannot write"), "{refused}");
}
