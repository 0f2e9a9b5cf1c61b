//! Textures, as a user makes them.

mod common;

use common::{Bench, bench, survives_kills};
use ognivo_core::data::{Image, picture};

/// Settings with which a run takes a second or two.
const FEW: &[&str] = &[
    "--set",
    "encoder.steps=3",
    "--set",
    "judges=8",
    "--set",
    "crop=40",
    "--set",
    "fit.checkpoint_seconds=0.02",
    "--batch-size",
    "2",
    "--threads",
    "1",
];
const NETWORK: &[&str] = &["--set", "model.filters=4", "--set", "model.latent=3"];

fn small<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, FEW, more].concat()
}

#[test]
fn a_run_killed_ten_times_ends_with_the_same_bytes() {
    survives_kills(&bench(), &small(&["texture", "train"], &[NETWORK, &["--epochs", "6"]].concat()));
}

fn size(bench: &Bench, name: &str) -> [usize; 2] {
    let image = picture::decode_file(&bench.path(name)).unwrap();
    [image.width, image.height]
}

#[test]
fn both_ways_of_learning_and_textures_of_any_size() {
    let bench = bench();
    let pixels = (0..60 * 44 * 3).map(|index| (index * index % 251) as u8).collect();
    picture::write_png(&bench.path("style.png"), &Image::new(60, 44, 3, pixels).unwrap()).unwrap();
    let more = [NETWORK, &["--style", "style.png", "--epochs", "1", "--run", "net"]].concat();
    let figures = bench.result(&small(&["texture", "train"], &more))["metrics"].clone();
    for name in ["gram", "gram_start", "gram_nearer", "patch", "patch_nearer", "seam", "seconds_per_texture"] {
        assert!(figures[name].as_f64().is_some_and(|value| value > 0.0), "{name}: {figures}");
    }
    assert_eq!((figures["steps"].as_u64(), figures["encoder"].as_str()), (Some(50), Some("small")));
    let page = std::fs::read_to_string(bench.path("net/report.html")).unwrap();
    for part in ["The style and the texture", "Gram distance", "epoch 1", "gan texture train"] {
        assert!(page.contains(part), "{part}");
    }
    let apply = |more: &[&str]| bench.result(&[&["texture", "apply", "--run", "net"], more].concat());
    apply(&["--size", "70x33", "--to", "a.png"]);
    apply(&["--size", "70x33", "--to", "b.png"]);
    apply(&["--size", "64x32", "--seamless", "--to", "tile.png", "--seed", "4"]);
    assert_eq!((size(&bench, "a.png"), size(&bench, "tile.png")), ([70, 33], [64, 32]));
    assert_eq!(std::fs::read(bench.path("a.png")).unwrap(), std::fs::read(bench.path("b.png")).unwrap());

    let more = ["--style", "style.png", "--epochs", "1", "--run", "one", "--size", "50x40", "--to", "c.png"];
    let figures = bench.result(&small(&["texture", "optimise"], &more))["metrics"].clone();
    assert!(figures["gram_nearer"].as_f64().unwrap() > 0.0 && size(&bench, "c.png") == [50, 40]);
    // Going on for longer is the one thing that may change.
    let longer = bench.result(&["texture", "optimise", "--run", "one", "--resume", "--epochs", "2"]);
    assert_eq!(longer["metrics"]["steps"], 100);

    for (arguments, code, part) in [
        (&["texture", "apply", "--run", "net", "--size", "70"][..], 2, "WIDTHxHEIGHT"),
        (&["texture", "apply", "--run", "net", "--size", "70x32", "--seamless"], 2, "found 70"),
        (&["texture", "apply", "--run", "net", "--size", "0x32"], 2, "found 0"),
        (&["texture", "apply", "--run", "one"], 2, "run of `gan texture optimise`"),
        (&["texture", "train", "--run", "one", "--resume"], 2, "run of the other command"),
        (&["texture", "apply", "--run", "net", "--to", "/proc/ognivo/a.png"], 1, "/proc/ognivo"),
        (&["texture", "train", "--style", "brics"], 2, "did you mean \"bricks\""),
        (&["texture", "train", "--style", "nothing.png"], 1, "nothing.png"),
        (&["texture", "train", "--encoder", "nowhere"], 2, "no such folder"),
        (&["texture", "optimise", "--size", "30x31", "--seamless"], 2, "multiple of 8"),
        (&["texture", "train", "--set", "crop=60"], 2, "`crop`: found 60"),
        (&["apply"], 2, "unrecognized subcommand"),
    ] {
        let said = bench.failure(arguments, code);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    picture::write_png(&bench.path("tiny.png"), &Image::new(20, 90, 3, vec![7; 20 * 90 * 3]).unwrap()).unwrap();
    let said = bench.failure(&["texture", "train", "--style", "tiny.png"], 1);
    assert!(said.contains("style picture of 20 x 90 pixels") && said.contains("at least 32 x 32"), "{said}");
    assert!(!bench.path("runs").exists(), "nothing is left behind");
}
