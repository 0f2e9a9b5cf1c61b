//! Pictures as vectors, from the command line.

mod common;

use common::bench;
use ognivo_core::data::{digits, picture};

#[test]
fn pictures_are_searched_and_mapped() {
    let bench = bench();
    let train = digits().unwrap().train;
    for index in 0..120 {
        let folder = bench.path("digits").join(train.label(index).to_string());
        std::fs::create_dir_all(&folder).unwrap();
        picture::write_png(&folder.join(format!("{index}.png")), &train.image(index).unwrap()).unwrap();
    }
    let vectorise = ["vectorise", "digits", "--from", "scratch"];
    let made = bench.result(&vectorise);
    let metrics = &made["metrics"];
    assert_eq!((metrics["vectors"].as_u64(), metrics["numbers"].as_u64()), (Some(120), Some(64)));
    let recall = &metrics["recall"][0];
    // Random features keep much of what the pixels say.
    assert!(recall["recall"].as_f64().unwrap() > recall["chance"].as_f64().unwrap() + 0.2, "{recall}");
    assert!(recall["pixels_recall"].as_f64().unwrap() > 0.6, "{recall}");
    assert_eq!(bench.result(&vectorise)["metrics"]["kept"], 120);
    assert_eq!(bench.result(&["recall", "--neighbours", "1,5,10"])["metrics"], metrics["recall"]);

    // A picture is its own nearest neighbour, by its file; by its name in the index others are sought.
    let name = format!("{}/7.png", train.label(7));
    let file = format!("digits/{name}");
    for more in [&[][..], &["--approximate"]] {
        let output = bench.run(&[&["search", &file, "--top", "3"][..], more].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.lines().next().unwrap().starts_with("1.0000") && said.contains(&name), "{said}");
    }
    let output = bench.run(&["search", &name, "--top", "3", "--page", "near.html", "--quiet"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.lines().count() == 3 && !said.contains(&name), "{said}");
    assert!(std::fs::read_to_string(bench.path("near.html")).unwrap().matches("<img").count() == 4);

    for (method, figure) in [("tsne", "divergence"), ("pca", "variance_share")] {
        let to = format!("{method}.svg");
        let map = bench.result(&["map", "--most", "50", "--method", method, "--iterations", "60", "--to", &to]);
        assert!(map["metrics"]["pictures"] == 50 && !map["metrics"][figure].is_null(), "{map}");
        assert_eq!(std::fs::read_to_string(bench.path(&to)).unwrap().matches("<image").count(), 50);
    }
    std::fs::write(bench.path("notes.png"), "no picture").unwrap();
    for (arguments, code, expected) in [
        (&["search", "notes.png"][..], 1, "a PNG or JPEG picture"),
        (&["search", "none.png"], 1, "none.png"),
        (&["search", &file, "--index", "digits"], 2, "no index.json here"),
        (&["vectorise", "digits", "--from", "scratch", "--layer", "layer9"], 2, "the layers are stem"),
        (&["vectorise", "digits", "--from", "scratch", "--seed", "2"], 2, "weights with the SHA-256"),
        (&["vectorise", "digits", "--from", "resnet19"], 2, "did you mean"),
        (&["vectorise", "no/such", "--from", "scratch"], 1, "no/such"),
    ] {
        let said = bench.failure(arguments, code);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    // One that cannot be read keeps no other from its vector.
    std::fs::rename(bench.path("notes.png"), bench.path("digits/notes.png")).unwrap();
    let said = bench.failure(&vectorise, 1);
    assert!(said.contains("1 of 121 pictures could not be read"), "{said}");
}
