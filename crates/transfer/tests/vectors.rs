//! Vectors are those of the network's layer, whatever happened while they were made, and are mixed with no others.

use std::path::Path;
use std::sync::Mutex;

use burn::tensor::{Device, Tensor, TensorData, Tolerance};
use ognivo_cnn::image::augment::FloatImage;
use ognivo_cnn::image::inspect::unit_activations;
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_cnn::image::preprocess::{Ground, Preprocessing};
use ognivo_core::data::{digits, picture};
use ognivo_embeddings::format::{Format, read_vectors_as};
use ognivo_transfer::vectors::files::class_of;
use ognivo_transfer::vectors::index::{ARRAY, Update};
use ognivo_transfer::vectors::{Extractor, PictureFiles, Source, VectorIndex};

fn preprocessing() -> Preprocessing {
    Preprocessing { channels: 1, height: 8, width: 8, mean: vec![0.3], deviation: vec![0.4], ground: Ground::Dark }
}

fn network(seed: u64) -> Network {
    // All tests of this process draw from one generator.
    static DRAWING: Mutex<()> = Mutex::new(());
    let _alone = DRAWING.lock();
    let device = Device::default();
    device.seed(seed);
    let input = InputShape { channels: 1, height: 8, width: 8 };
    NetworkConfig::named("resnet20").unwrap().init(input, 10, &device).unwrap()
}

fn extractor(seed: u64, layer: Option<&str>, pooled: bool) -> Extractor {
    Extractor::new(network(seed), layer, pooled, preprocessing(), &Device::default()).unwrap()
}

/// A hundred digits, a folder for each class.
fn pictures(root: &Path) {
    let train = digits().unwrap().train;
    for index in 0..100 {
        let folder = root.join(train.label(index).to_string());
        std::fs::create_dir_all(&folder).unwrap();
        picture::write_png(&folder.join(format!("{index}.png")), &train.image(index).unwrap()).unwrap();
    }
}

fn update(to: &Path, root: &Path, extractor: &Extractor, go_on: bool) -> ognivo_transfer::Result<Update> {
    let source = Source { from: "scratch".into(), weights: None, network: Some("resnet20".into()), seed: 1 };
    let files = PictureFiles::list(root, &mut Vec::new())?;
    VectorIndex::update(to, extractor, &source, &files, &mut || (), &mut |_| go_on)
}

#[test]
fn vectors_are_the_layers_output() {
    let image = digits().unwrap().train.image(3).unwrap();
    let mut values = vec![0.0; 64];
    preprocessing().normalise(FloatImage::from(&image).pixels(), &mut values);
    let x = Tensor::<4>::from_data(TensorData::new(values, [1, 1, 8, 8]), &Device::default());
    let network = network(1);
    let Network::Backbone(backbone) = &network else { unreachable!() };
    let layer2 = backbone.forward_stages(0..3, x.clone());
    let relu = unit_activations(&network, "relu", x.clone()).unwrap();
    for (layer, pooled, expected) in [
        (None, true, backbone.features(x.clone()).flatten::<1>(0, 1)),
        (Some("layer2"), true, layer2.clone().mean_dims(&[2, 3]).flatten::<1>(0, 3)),
        (Some("layer2"), false, layer2.flatten::<1>(0, 3)),
        (Some("relu"), false, relu.flatten::<1>(0, 3)),
        (Some("fc"), true, network.forward(x.clone()).flatten::<1>(0, 1)),
    ] {
        let vector = extractor(1, layer, pooled).vector(&image).unwrap();
        let vector = TensorData::new(vector, expected.shape());
        vector.assert_approx_eq::<f32>(&expected.into_data(), Tolerance::rel_abs(1e-4, 1e-5));
    }
    let said = Extractor::new(network, Some("layer9"), true, preprocessing(), &Device::default()).err().unwrap();
    assert!(said.to_string().contains("the layers are stem, layer1, layer2, layer3, fc, conv1"), "{said}");
}

#[test]
fn an_index_is_brought_up_to_date_and_mixed_with_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (root, to) = (folder.path().join("pictures"), folder.path().join("vectors"));
    pictures(&root);
    std::fs::write(root.join("0/notes.png"), "no picture").unwrap();
    let maker = extractor(1, None, true);
    // Stopped after its first batch of 64: no index yet, and nothing of it is computed again.
    let stopped = update(&to, &root, &maker, false).unwrap();
    assert!(stopped.index.is_none() && VectorIndex::open(&to).is_err());
    let mut done = Vec::new();
    let files = PictureFiles::list(&root, &mut Vec::new()).unwrap();
    let source = Source { from: "scratch".into(), weights: None, network: None, seed: 1 };
    let made = VectorIndex::update(&to, &maker, &source, &files, &mut || (), &mut |count| {
        done.push(count);
        true
    });
    let made = made.unwrap();
    assert_eq!(done, [64, 36]);
    assert!(made.unreadable.len() == 1 && made.unreadable[0].contains("notes.png"), "{:?}", made.unreadable);
    let index = made.index.unwrap();
    let name = "0/0.png";
    assert_eq!((index.vectors.words().len(), class_of(name)), (100, Some("0")));
    let expected = maker.vector(&picture::decode_file(&root.join(name)).unwrap()).unwrap();
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * b.abs().max(0.1));
    assert!(close(index.vectors.get(name).unwrap(), &expected));
    let read = VectorIndex::open(&to).unwrap();
    assert!(read.vectors == index.vectors && read.maker == index.maker && read.files.names == index.files.names);
    assert!(read_vectors_as(&to.join(ARRAY), Format::Npy).unwrap() == index.vectors);
    assert_eq!(std::fs::read_dir(&to).unwrap().count(), 4, "journals are removed");

    // A new picture, one that has changed, one that is gone, one that has moved.
    let other = picture::decode_file(&root.join("1/1.png")).unwrap();
    std::fs::remove_file(root.join("0/notes.png")).unwrap();
    picture::write_png(&root.join("new.png"), &picture::invert(&other)).unwrap();
    picture::write_png(&root.join("2/2.png"), &picture::invert(&picture::decode_file(&root.join("2/2.png")).unwrap()))
        .unwrap();
    std::fs::remove_file(root.join("3/3.png")).unwrap();
    std::fs::rename(root.join("4/4.png"), root.join("4/moved.png")).unwrap();
    let again = update(&to, &root, &maker, true).unwrap();
    let again_index = again.index.unwrap();
    assert_eq!((again.kept, again_index.vectors.words().len()), (98, 100));
    assert!(again_index.vectors.get("3/3.png").is_none() && class_of("new.png").is_none());
    assert_eq!(again_index.vectors.get("4/moved.png"), index.vectors.get("4/4.png"));
    assert_ne!(again_index.vectors.get("2/2.png"), index.vectors.get("2/2.png"));

    let before = std::fs::read(to.join("index.json")).unwrap();
    for (other, expected) in [
        (extractor(2, None, true), "weights with the SHA-256"),
        (extractor(1, Some("layer2"), true), "layer \"layer3\" and \"layer2\""),
        (extractor(1, None, false), "averages over the picture true and false"),
    ] {
        let said = update(&to, &root, &other, true).err().unwrap().to_string();
        assert!(said.contains("were made otherwise") && said.contains(expected), "{said}");
    }
    let said = update(&to, &root.join("1"), &maker, true).err().unwrap().to_string();
    assert!(said.contains("pictures of "), "{said}");
    assert!(std::fs::read(to.join("index.json")).unwrap() == before);
    // Vectors that are not those of the description are not believed, and made anew.
    std::fs::write(to.join("vectors.safetensors"), "damaged").unwrap();
    assert!(VectorIndex::open(&to).is_err());
    let anew = update(&to, &root, &maker, true).unwrap();
    assert!(anew.kept == 0 && anew.index.unwrap().vectors == again_index.vectors);
}
