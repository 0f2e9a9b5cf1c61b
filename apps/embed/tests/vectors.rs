//! Commands that work with finished vectors.

mod common;

use std::fs;

use common::{bench, figure, stdout, with_input};

#[test]
fn convert_goes_through_every_format_and_back() {
    let bench = bench();
    let original = fs::read(bench.path("v.txt")).unwrap();
    let mut from = "v.txt".to_string();
    for to in ["a.bin", "b.glove", "c.npy", "d.safetensors", "e.tsv"] {
        let result = bench.result(&["convert", "--vectors", &from, "--to", to]);
        assert_eq!((figure(&result, "words"), figure(&result, "dim")), (6.0, 3.0), "{to}");
        from = to.to_string();
    }
    bench.result(&["convert", "--vectors", "e.tsv", "--to", "back", "--format", "word2vec"]);
    assert_eq!(fs::read(bench.path("back")).unwrap(), original);
    let said = bench.failure(&["convert", "--vectors", "v.txt", "--to", "x.docx"], 1);
    assert!(said.contains(".npy"), "{said}");
    let said = bench.failure(&["convert", "--vectors", "v.txt", "--to", "x", "--format", "word2vek"], 2);
    assert!(said.contains("did you mean \"word2vec\""), "{said}");
    let said = bench.failure(&["convert", "--vectors", "missing.bin", "--to", "x.npy"], 1);
    assert!(said.contains("missing.bin"), "{said}");
    let said = bench.failure(&["convert", "--to", "x.npy"], 1);
    assert!(said.contains("word2vec train"), "{said}");
}

#[test]
fn neighbours_analogies_and_similarities() {
    let bench = bench();
    let text = stdout(bench.run(&["nn", "tea", "--vectors", "v.txt", "--top", "2"]));
    let first: Vec<&str> = text.lines().next().unwrap().split(' ').collect();
    assert_eq!((first[0], text.lines().count()), ("coffee", 2), "{text}");
    // (-1, .5, 0) and (-1, .4, .1): 1.2 / sqrt(1.25 * 1.17).
    assert!((first[1].parse::<f64>().unwrap() - 0.992_278).abs() < 1e-5);
    // By place, as fastText takes it, with questions on standard input.
    let text = stdout(with_input(&bench, &["nn", "v.txt", "1"], b"tea\nking\n"));
    assert_eq!(
        text.lines().filter(|line| line.starts_with("coffee ") || line.starts_with("queen ")).count(),
        2,
        "{text}"
    );
    let text = stdout(with_input(&bench, &["nn", "--vectors", "v.txt", "--interactive", "--top", "1"], b"tea\n"));
    assert!(text.starts_with("Query word? coffee "), "{text}");
    let nearly = stdout(bench.run(&["nn", "tea", "--vectors", "v.txt", "--top", "2", "--approximate"]));
    assert!(nearly.starts_with("coffee "), "{nearly}");

    for more in [&[][..], &["--product"]] {
        let text = stdout(
            bench.run(&[&["analogy", "man", "king", "woman", "--vectors", "v.txt", "--top", "1"], more].concat()),
        );
        assert!(text.starts_with("queen "), "{text}");
    }
    // fastText asks for A - B + C.
    let text = stdout(with_input(&bench, &["analogies", "v.txt", "1"], b"king man woman\n"));
    assert!(text.contains("queen "), "{text}");
    let text = stdout(bench.run(&["similarity", "man", "tea", "man", "woman", "--vectors", "v.txt"]));
    // 1 / sqrt(1.25), and .9 / sqrt(.81 + .0625).
    assert_eq!(text, "man tea -0.894427\nman woman 0.963518\n");
    let result = bench.result(&["similarity", "man", "tea", "--vectors", "v.txt"]);
    assert_eq!(figure(&result, "asked"), 1.0);

    let said = bench.failure(&["nn", "quen", "--vectors", "v.txt"], 1);
    assert!(said.contains("did you mean \"queen\""), "{said}");
    let said = bench.failure(&["analogy", "man", "king", "--vectors", "v.txt"], 2);
    assert!(said.contains("expected three"), "{said}");
    let said = bench.failure(&["similarity", "man", "--vectors", "v.txt"], 2);
    assert!(said.contains("expected two"), "{said}");
}

#[test]
fn vector_prints_what_is_known() {
    let bench = bench();
    let text = stdout(bench.run(&["vector", "tea", "queen", "--vectors", "v.txt"]));
    assert_eq!(text, "tea -1 0.5 0\nqueen 0.9 0.25 0.5\n");
    let text = stdout(with_input(&bench, &["vector", "--vectors", "v.txt"], b"man\n\n"));
    assert_eq!(text, "man 1 0 0\n");
    let result = bench.result(&["vector", "tea", "nothing", "--vectors", "v.txt"]);
    assert_eq!((figure(&result, "found"), figure(&result, "unknown")), (1.0, 1.0));
    let said = bench.failure(&["vector", "nothing", "--vectors", "v.txt"], 1);
    assert!(said.contains("nothing: no vector"), "{said}");
}

#[test]
fn plot_draws_a_map_and_a_page() {
    let bench = bench();
    fs::write(bench.path("labels"), "tea drink\ncoffee drink\nking person\nqueen person\n").unwrap();
    let result = bench.result(&["plot", "--vectors", "v.txt", "--method", "pca", "--to", "pca.svg"]);
    assert_eq!(figure(&result, "points"), 6.0);
    let shares: Vec<f64> = serde_json::from_value(result["metrics"]["variance_share"].clone()).unwrap();
    assert!(shares[0] > shares[1] && shares[0] + shares[1] <= 1.0 + 1e-9);
    let svg = fs::read_to_string(bench.path("pca.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 6);
    assert!(svg.contains(">coffee<") && svg.contains("component 1"));
    assert!(fs::read_to_string(bench.path("pca.html")).unwrap().contains("coffee"));

    // Coloured by labels; those without are left out.
    let result =
        bench.result(&["plot", "--vectors", "v.txt", "--labels", "labels", "--to", "map.svg", "--iterations", "50"]);
    assert_eq!(figure(&result, "points"), 4.0);
    assert!(figure(&result, "divergence") >= 0.0);
    let svg = fs::read(bench.path("map.svg")).unwrap();
    let text = String::from_utf8_lossy(&svg);
    assert!(text.contains(">drink<") && text.contains("class=\"dot s2\""));
    // The same again, on another number of threads.
    let again = ["plot", "--vectors", "v.txt", "--labels", "labels", "--to", "map.svg", "--iterations", "50"];
    let mut command = bench.command(&again);
    assert!(command.env("RAYON_NUM_THREADS", "1").output().unwrap().status.success());
    assert!(fs::read(bench.path("map.svg")).unwrap() == svg);

    let result = bench.result(&["plot", "--vectors", "v.txt", "--words", "tea,man,king,zebra", "--to", "map.svg"]);
    assert_eq!((figure(&result, "points"), figure(&result, "unknown")), (3.0, 1.0));
    let said = bench.failure(&["plot", "--vectors", "v.txt", "--perplexity", "100"], 2);
    assert!(said.contains("perplexity"), "{said}");
    let said = bench.failure(&["plot", "--vectors", "v.txt", "--words", "tea,man"], 1);
    assert!(said.contains("at least 3"), "{said}");
    let said = bench.failure(&["plot", "--vectors", "v.txt", "--labels", "missing.labels"], 2);
    assert!(said.contains("missing"), "{said}");
}

#[test]
fn analogies_and_similarities_are_scored() {
    let bench = bench();
    fs::write(
        bench.path("questions"),
        ": family\nman king woman queen\nMan King Woman Queen\nman king tea coffee\n: gram1\nman men tea teas\n",
    )
    .unwrap();
    let result = bench.result(&["evaluate", "analogies", "--vectors", "v.txt", "--data", "questions"]);
    assert_eq!((figure(&result, "asked"), figure(&result, "coverage")), (3.0, 0.75));
    assert!(figure(&result, "accuracy") >= 2.0 / 3.0, "{result}");
    fs::write(bench.path("pairs"), "tea coffee 9\nman woman 8\nman queen 6\nking tea 1\nking cheese 2\n").unwrap();
    let result = bench.result(&["evaluate", "similarity", "--vectors", "v.txt", "--data", "pairs"]);
    assert_eq!((figure(&result, "spearman"), figure(&result, "coverage")), (1.0, 0.8));
    let said = bench.failure(&["evaluate", "similarity", "--vectors", "v.txt", "--data", "missing"], 1);
    assert!(said.contains("missing"), "{said}");
    fs::write(bench.path("broken"), ": family\nman king woman\n").unwrap();
    let said = bench.failure(&["evaluate", "analogies", "--vectors", "v.txt", "--data", "broken"], 1);
    assert!(said.contains("broken") && said.contains("line 2"), "{said}");
}

#[test]
fn damaged_files_are_refused() {
    let bench = bench();
    let whole = fs::read(bench.path("v.txt")).unwrap();
    fs::write(bench.path("short.txt"), &whole[..whole.len() - 20]).unwrap();
    fs::write(bench.path("empty"), "").unwrap();
    fs::write(bench.path("words"), "just some words\n").unwrap();
    fs::write(bench.path("m.bin"), [793_712_314_u32.to_le_bytes(), [0xff; 4]].concat()).unwrap();
    for file in ["short.txt", "empty", "words", "m.bin"] {
        let said = bench.failure(&["nn", "tea", "--vectors", file], 1);
        assert!(said.contains(file), "{said}");
    }
}
