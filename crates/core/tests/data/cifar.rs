use std::path::Path;

use ognivo_core::data::cifar::{self, Records};
use ognivo_core::data::{ImageOptions, ImageSet, Layout, open_images};

use crate::{assert_says, message, put};

/// A record whose red, green and blue planes count up from different starts.
fn record(labels: &[u8], start: u8) -> Vec<u8> {
    let plane = |offset: u8| (0..1024u32).map(move |at| (at as u8).wrapping_add(start).wrapping_add(offset));
    labels.iter().copied().chain(plane(0)).chain(plane(50)).chain(plane(100)).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|label| format!("class {label}")).collect()
}

#[test]
fn planes_are_interleaved() {
    let bytes = [record(&[3], 0), record(&[9], 7)].concat();
    let set = cifar::from_bytes(&bytes, Path::new("b.bin"), Records::Cifar10, &numbered(10)).unwrap();
    assert_eq!((set.len(), set.label(0), set.label(1), set.shape()), (2, 3, 9, [32, 32, 3]));
    let image = set.image(1).unwrap();
    assert_eq!(image.pixels[..6], [7, 57, 107, 8, 58, 108]);
    // Row 1, column 2 of the picture is value 34 of each plane.
    assert_eq!(image.pixels[3 * 34..3 * 35], [41, 91, 141]);
    assert_eq!(set.origin(1), "b.bin[1]");
}

#[test]
fn coarse_and_fine_labels_are_told_apart() {
    let bytes = record(&[19, 99], 0);
    let label = |records, classes| {
        cifar::from_bytes(&bytes, Path::new("b.bin"), records, &numbered(classes)).map(|set| set.label(0))
    };
    assert_eq!(label(Records::Cifar100Coarse, 20).unwrap(), 19);
    assert_eq!(label(Records::Cifar100Fine, 100).unwrap(), 99);
    assert_says(&message(label(Records::Cifar100Fine, 99)), &["b.bin", "record 0, byte 1", "label 99", "below 99"]);
}

#[test]
fn broken_batches_are_refused() {
    let read = |bytes: &[u8]| message(cifar::from_bytes(bytes, Path::new("b.bin"), Records::Cifar10, &numbered(10)));
    assert_says(&read(&[]), &["b.bin", "an empty file", "3073"]);
    assert_says(&read(&record(&[1], 0)[..3000]), &["record 0, byte 0", "3000 bytes"]);
    let label = [record(&[1], 0), record(&[10], 0)].concat();
    assert_says(&read(&label), &["record 1, byte 3073", "label 10", "below 10"]);
    assert_says(&read(&label[..label.len() - 1]), &["record 1, byte 3073", "3072 bytes"]);
}

#[test]
fn the_folder_of_cifar10_opens() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cifar-10-batches-bin");
    let classes = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    put(folder.join("batches.meta.txt"), classes);
    for batch in [1, 2, 4, 5] {
        put(folder.join(format!("data_batch_{batch}.bin")), record(&[batch], batch));
    }
    put(folder.join("test_batch.bin"), record(&[9], 1));
    for path in [root.path(), folder.as_path()] {
        let splits = open_images(path, &ImageOptions::default()).unwrap();
        assert_eq!((splits.layout, splits.train.len()), (Layout::Cifar10, 4));
        assert_eq!((splits.train.label(2), splits.train.classes()[9].as_str()), (4, "truck"));
        assert_eq!(splits.test.unwrap().label(0), 9);
        assert_eq!(splits.warnings.len(), 1);
        assert_says(&splits.warnings[0], &["data_batch_3.bin", "missing"]);
    }
    put(folder.join("batches.meta.txt"), "airplane\n");
    assert_says(
        &message(open_images(&folder, &ImageOptions::default())),
        &["batches.meta.txt", "1 names", "10 class names"],
    );
}

#[test]
fn the_folder_of_cifar100_opens() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("fine_label_names.txt"), numbered(100).join("\n"));
    put(root.path().join("coarse_label_names.txt"), numbered(20).join("\n"));
    put(root.path().join("train.bin"), [record(&[1, 50], 0), record(&[2, 60], 0)].concat());
    put(root.path().join("test.bin"), record(&[3, 70], 0));
    let labels = |coarse| {
        let options = ImageOptions { coarse, ..Default::default() };
        let splits = open_images(root.path(), &options).unwrap();
        assert_eq!(splits.layout, Layout::Cifar100);
        (splits.train.label(0), splits.train.label(1), splits.test.unwrap().label(0), splits.train.classes().len())
    };
    assert_eq!(labels(false), (50, 60, 70, 100));
    assert_eq!(labels(true), (1, 2, 3, 20));
}
