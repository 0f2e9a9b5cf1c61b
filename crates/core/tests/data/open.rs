use ognivo_core::data::MemoryImages;
use ognivo_core::data::table::TableOptions;
use ognivo_core::data::{Image, ImageOptions, Layout, idx, open_images, open_pictures, picture};

use crate::{assert_says, gzip, message, names, put};

#[test]
fn a_folder_of_idx_files_opens_under_every_official_name() {
    let classes = names(&["x", "y", "z"]);
    let set = MemoryImages::new("s", [2, 2, 1], (0..12).collect(), vec![2, 0, 1], classes.clone()).unwrap();
    for (suffix, dot) in [("", "-"), (".gz", "-"), ("", "."), (".gz", ".")] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("MNIST/raw");
        std::fs::create_dir_all(&folder).unwrap();
        let file = |stem: &str, dims: u8| folder.join(format!("{stem}{dot}idx{dims}-ubyte{suffix}"));
        idx::write_set(&file("train-images", 3), &file("train-labels", 1), &set).unwrap();
        let splits = open_images(root.path(), &ImageOptions::default()).unwrap();
        assert_eq!((splits.layout, splits.train.len(), splits.train.classes().len()), (Layout::Idx, 3, 10));
        assert!(splits.test.is_none());
        idx::write_set(&file("t10k-images", 3), &file("t10k-labels", 1), &set).unwrap();
        let options = ImageOptions { classes: Some(classes.clone()), ..Default::default() };
        let splits = open_images(&folder, &options).unwrap();
        assert_eq!(splits.test.unwrap().image(2).unwrap().pixels, [8, 9, 10, 11]);
        assert_eq!(splits.train.classes(), classes);

        let two = ImageOptions { classes: Some(names(&["x", "y"])), ..Default::default() };
        assert_says(&message(open_images(&folder, &two)), &["train-labels", "record 0", "label 2", "from 0 to 1"]);
        std::fs::remove_file(file("t10k-labels", 1)).unwrap();
        assert_says(&message(open_images(&folder, &options)), &["t10k-images", "the images have no labels"]);
    }
}

#[test]
fn a_table_opens_as_pictures() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("letters.CSV.gz");
    put(&path, gzip(b"b,0,255,255,0\na,9,9,9,9\n"));
    put(root.path().join("readme.md"), "");
    let mut options = ImageOptions {
        table: TableOptions { label_column: Some("0".into()), ..Default::default() },
        ..Default::default()
    };
    for path in [root.path(), path.as_path()] {
        let splits = open_images(path, &options).unwrap();
        assert_eq!(
            (splits.layout, splits.train.len(), splits.train.classes()),
            (Layout::Table, 2, names(&["a", "b"]).as_slice())
        );
        let image = splits.train.image(0).unwrap();
        assert_eq!((image.width, image.height, image.pixels), (2, 2, vec![0, 255, 255, 0]));
    }
    options.table_size = Some((4, 1));
    assert_eq!(open_images(&path, &options).unwrap().train.image(0).unwrap().width, 4);
    options.table_white = Some(9.0);
    assert_says(&message(open_images(&path, &options)), &["record 0, pixel 1", "found 255"]);

    put(&path, "a,1,2\nb,3,4\n");
    options = ImageOptions { table: options.table, ..Default::default() };
    assert_says(&message(open_images(&path, &options)), &["2 columns", "a square number"]);
    put(&path, "a,1\na,2\n");
    assert_says(&message(open_images(&path, &options)), &["[0]", "all 2", "\"a\"", "at least two classes"]);
}

#[test]
fn pictures_alone_open_as_one_class_where_labels_do_not_matter() {
    let root = tempfile::tempdir().unwrap();
    let options = ImageOptions::default();
    let picture = |name: &str, width: usize| {
        let image = Image::new(width, 1, 1, vec![0; width]).unwrap();
        put(root.path().join(name), picture::encode_png(&image).unwrap());
    };
    picture("flat/b.png", 3);
    picture("flat/a.png", 2);
    picture("flat/deeper/c.png", 4);
    std::fs::write(root.path().join("flat/notes.txt"), "").unwrap();
    let flat = root.path().join("flat");
    assert!(open_images(&flat, &options).is_err());
    let splits = open_pictures(&flat, &options).unwrap();
    assert_eq!((splits.layout, splits.train.classes()), (Layout::OneFolder, names(&["flat"]).as_slice()));
    let widths: Vec<usize> = (0..3).map(|index| splits.train.image(index).unwrap().width).collect();
    assert_eq!((widths, splits.warnings.len()), (vec![2, 3, 4], 1));
    // Folders of classes are what they are, one or many.
    picture("one/cat/a.png", 2);
    let splits = open_pictures(&root.path().join("one"), &options).unwrap();
    assert_eq!((splits.layout, splits.train.classes()), (Layout::ClassFolders, names(&["cat"]).as_slice()));
    std::fs::create_dir(root.path().join("none")).unwrap();
    assert_says(&message(open_pictures(&root.path().join("none"), &options)), &["none", "no labelled images found"]);
}
