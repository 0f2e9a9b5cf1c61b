use std::path::Path;

use ognivo_core::data::picture::encode_png;
use ognivo_core::data::{Image, ImageOptions, ImageSet, ImageSplits, Layout, open_images};

use crate::{assert_says, message, put};

fn png(value: u8) -> Vec<u8> {
    encode_png(&Image::new(2, 2, 1, vec![value; 4]).unwrap()).unwrap()
}

fn open(path: &Path) -> ognivo_core::Result<ImageSplits> {
    open_images(path, &ImageOptions::default())
}

/// File names and labels, in order.
fn files(set: &dyn ImageSet) -> Vec<(String, usize)> {
    let name = |index| Path::new(&set.origin(index)).file_name().unwrap().to_string_lossy().to_string();
    (0..set.len()).map(|index| (name(index), set.label(index))).collect()
}

#[test]
fn folders_are_classes_in_the_order_of_names() {
    let root = tempfile::tempdir().unwrap();
    for name in ["dog/2.PNG", "dog/10.png", "Cat/deep/er/x.jpg", "Cat/a.jpeg"] {
        put(root.path().join(name), png(name.len() as u8));
    }
    put(root.path().join("dog/notes.txt"), "hello");
    put(root.path().join("dog/.DS_Store"), "");
    put(root.path().join("readme.md"), "hello");
    let splits = open(root.path()).unwrap();
    assert_eq!(splits.layout, Layout::ClassFolders);
    assert_eq!(splits.train.classes(), ["Cat", "dog"]);
    let expected = [("a.jpeg", 0), ("x.jpg", 0), ("10.png", 1), ("2.PNG", 1)];
    assert_eq!(files(splits.train.as_ref()), expected.map(|(name, label)| (name.to_string(), label)));
    // A PNG called .jpg is decoded as what it is.
    assert_eq!(splits.train.image(1).unwrap().pixels, ["Cat/deep/er/x.jpg".len() as u8; 4]);
    assert!(splits.valid.is_none() && splits.test.is_none());
    assert_eq!(splits.warnings.len(), 3, "{:?}", splits.warnings);
    let warnings = splits.warnings.join("\n");
    assert_says(&warnings, &["notes.txt: skipped, not named .png", ".DS_Store: skipped, hidden", "readme.md: skipped"]);
}

#[test]
fn parts_have_the_classes_of_training() {
    let root = tempfile::tempdir().unwrap();
    for name in ["train/a/1.png", "train/b/1.png", "val/b/1.png", "test/a/1.png", "test/b/2.png"] {
        put(root.path().join("data").join(name), png(1));
    }
    put(root.path().join("data/extra/1.png"), png(1));
    let splits = open(root.path()).unwrap();
    assert_eq!((splits.train.len(), splits.train.classes().len()), (2, 2));
    assert_eq!(files(splits.valid.unwrap().as_ref()), [("1.png".to_string(), 1)]);
    assert_eq!(splits.test.unwrap().len(), 2);
    assert_says(&splits.warnings.join("\n"), &["extra: skipped"]);

    put(root.path().join("data/test/c/1.png"), png(1));
    assert_says(&message(open(root.path())), &["test", "\"c\"", "the 2 classes of the training part"]);
}

#[test]
fn one_broken_picture_is_an_error_that_names_it() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("a/1.png"), png(1));
    put(root.path().join("b/1.png"), &png(1)[..40]);
    let splits = open(root.path()).unwrap();
    assert!(splits.train.image(0).is_ok());
    assert_says(&message(splits.train.image(1)), &["b/1.png", "PNG"]);
    assert_says(&message(splits.train.image(2)), &["no picture 2"]);
}

#[test]
fn useless_folders_are_refused() {
    let root = tempfile::tempdir().unwrap();
    assert_says(&message(open(root.path())), &["no labelled images", "IDX", "CIFAR-100", "a folder for each class"]);
    put(root.path().join("a/1.png"), png(1));
    assert_says(&message(open(root.path())), &["a/1.png", "one class, \"a\"", "at least two classes"]);
    put(root.path().join("b/notes.txt"), "");
    assert_says(&message(open(root.path())), &["b: this class folder has no pictures"]);
    put(root.path().join("test/a/1.png"), png(1));
    assert_says(&message(open(root.path())), &["test", "expected a folder `train`"]);
    put(root.path().join("train/readme.txt"), "");
    assert_says(&message(open(root.path())), &["train: found no pictures"]);
    assert_says(&message(open(&root.path().join("absent"))), &["absent", "cannot open"]);
    assert_says(&message(open(&root.path().join("b/notes.txt"))), &["notes.txt: no labelled images"]);
}

#[cfg(unix)]
#[test]
fn a_link_in_a_circle_is_skipped() {
    let root = tempfile::tempdir().unwrap();
    put(root.path().join("a/1.png"), png(1));
    put(root.path().join("b/1.png"), png(1));
    std::os::unix::fs::symlink(root.path().join("a"), root.path().join("a/round")).unwrap();
    let splits = open(root.path()).unwrap();
    assert_eq!(splits.train.len(), 2);
    assert_says(&splits.warnings.join("\n"), &["round: skipped, a link to a folder"]);
}

#[test]
fn tiny_imagenet_has_names_and_labelled_validation() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join("tiny-imagenet").join(name);
    for identifier in ["n03", "n01", "n02"] {
        put(at(&format!("train/{identifier}/images/{identifier}_0.JPEG")), png(1));
        put(at(&format!("train/{identifier}/{identifier}_boxes.txt")), "");
    }
    for name in ["val_1.JPEG", "val_0.JPEG", "val_9.JPEG"] {
        put(at("val/images").join(name), png(2));
    }
    put(at("val/val_annotations.txt"), "val_1.JPEG\tn03\t0\t0\t1\t1\nval_0.JPEG\tn01\t0\t0\t1\t1\n");
    put(at("words.txt"), "n00\tentity\nn01\tcrane\nn02\tcrane, bird\n");
    put(at("test/images/test_0.JPEG"), png(3));
    let splits = open(root.path()).unwrap();
    assert_eq!(splits.layout, Layout::TinyImageNet);
    assert_eq!(splits.train.classes(), ["crane (n01)", "crane (n02)", "n03"]);
    let valid = splits.valid.unwrap();
    assert_eq!(files(valid.as_ref()), [("val_1.JPEG".to_string(), 2), ("val_0.JPEG".to_string(), 0)]);
    assert_eq!(valid.image(0).unwrap().pixels, [2; 4]);
    assert_eq!(splits.warnings.len(), 2);
    assert_says(
        &splits.warnings.join("\n"),
        &["val_9.JPEG: skipped, not in", "test: skipped, the test pictures have no"],
    );

    for (line, parts) in [
        ("val_9.JPEG\tn07\n", ["line 1", "\"n07\""]),
        ("val_9.JPEG\tn01\n../../words.txt\tn01\n", ["line 2", "words.txt"]),
        ("val_9.JPEG\tn01\nval_9.JPEG\tn01\n", ["line 2", "named once"]),
        ("", ["whole file", "no lines"]),
    ] {
        put(at("val/val_annotations.txt"), line);
        assert_says(&message(open(root.path())), &["val_annotations.txt"]);
        assert_says(&message(open(root.path())), &parts);
    }
}
