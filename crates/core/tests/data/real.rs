//! Real sets, where they are at hand: their published class counts.

use std::fs::File;
use std::path::Path;

use flate2::read::GzDecoder;
use ognivo_core::data::{ImageOptions, ImageSet, Layout, open_images};

use crate::common::real_data;

fn counts(set: &dyn ImageSet) -> Vec<usize> {
    let mut counts = vec![0; set.classes().len()];
    (0..set.len()).for_each(|index| counts[set.label(index)] += 1);
    counts
}

/// Unpacks the entries of an archive that `wanted` picks, up to `most` of them.
fn unpack(archive: &Path, to: &Path, most: usize, wanted: impl Fn(&str) -> bool) {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(archive).unwrap()));
    let wanted = |entry: &tar::Entry<_>| wanted(&entry.path().unwrap().to_string_lossy());
    let entries = archive.entries().unwrap().map(Result::unwrap).filter(wanted).take(most);
    entries.for_each(|mut entry| assert!(entry.unpack_in(to).unwrap()));
}

#[test]
fn mnist_has_its_counts() {
    let Some(folder) = real_data("mnist") else { return };
    let splits = open_images(&folder, &ImageOptions::default()).unwrap();
    assert_eq!(counts(splits.train.as_ref()), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    let test = splits.test.unwrap();
    assert_eq!(counts(test.as_ref()), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    // The mean of all training pixels is 0.1307 of white, the number everybody normalises with.
    let train = (0..splits.train.len()).map(|index| splits.train.image(index).unwrap());
    let sum: u64 = train.map(|image| image.pixels.iter().map(|&value| u64::from(value)).sum::<u64>()).sum();
    let mean = sum as f64 / (255.0 * 60_000.0 * 784.0);
    assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
}

#[test]
fn fashion_mnist_is_balanced() {
    let Some(folder) = real_data("fashion-mnist") else { return };
    let classes = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot";
    let options = ImageOptions { classes: Some(classes.split(',').map(String::from).collect()), ..Default::default() };
    let splits = open_images(&folder, &options).unwrap();
    assert_eq!(counts(splits.train.as_ref()), [6000; 10]);
    let test = splits.test.unwrap();
    assert_eq!(counts(test.as_ref()), [1000; 10]);
    assert_eq!(test.classes()[test.label(0)], "Ankle boot");
}

#[test]
fn jpegs_in_class_folders_decode() {
    let Some(folder) = real_data("cifar10-jpeg") else { return };
    let root = tempfile::tempdir().unwrap();
    // The archive begins with the test part, class by class.
    unpack(&folder.join("cifar10-images-jpeg.tar.gz"), root.path(), 1200, |_| true);
    let test = root.path().join("cifar10-images-jpeg/test");
    let splits = open_images(&test, &ImageOptions::default()).unwrap();
    assert_eq!((splits.layout, splits.warnings.len()), (Layout::ClassFolders, 0));
    assert_eq!(splits.train.classes(), ["airplane", "automobile"]);
    assert!(splits.train.len() > 1000);
    for index in (0..splits.train.len()).step_by(10) {
        let image = splits.train.image(index).unwrap();
        assert_eq!((image.width, image.height, image.channels), (32, 32, 3));
    }
}

#[test]
fn photographs_of_any_size_decode() {
    let Some(folder) = real_data("ants-bees-sample") else { return };
    let root = tempfile::tempdir().unwrap();
    unpack(&folder.join("ants-bees-sample.tar.gz"), root.path(), usize::MAX, |_| true);
    let stray = root.path().join("hymenoptera_data/train/ants/imageNotFound.gif");
    std::fs::write(stray, "GIF89a").unwrap();
    let splits = open_images(root.path(), &ImageOptions::default()).unwrap();
    assert_eq!(counts(splits.train.as_ref()), [20, 20]);
    let valid = splits.valid.unwrap();
    assert_eq!(counts(valid.as_ref()), [10, 10]);
    assert_eq!(splits.warnings.len(), 1);
    assert!(splits.warnings[0].contains("imageNotFound.gif"));
    for index in 0..valid.len() {
        let image = valid.image(index).unwrap();
        assert_eq!(image.channels, 3);
        assert!(image.width >= 100 && image.height >= 100);
    }
}

#[test]
fn tiny_imagenet_opens() {
    let Some(folder) = real_data("tiny-imagenet-10") else { return };
    let root = tempfile::tempdir().unwrap();
    unpack(&folder.join("tiny-imagenet-10.tar.gz"), root.path(), usize::MAX, |_| true);
    let splits = open_images(root.path(), &ImageOptions::default()).unwrap();
    assert_eq!(splits.layout, Layout::TinyImageNet);
    assert_eq!(splits.train.classes()[0], "goldfish");
    assert_eq!(counts(splits.train.as_ref()), [500; 10]);
    let valid = splits.valid.unwrap();
    assert_eq!(counts(valid.as_ref()), [50; 10]);
    for index in 0..valid.len() {
        let image = valid.image(index).unwrap();
        assert_eq!((image.width, image.height), (64, 64));
        assert!(matches!(image.channels, 1 | 3));
    }
}
