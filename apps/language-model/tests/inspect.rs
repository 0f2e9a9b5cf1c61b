//! `inspect`, from a short training run.

mod common;

use std::fs;

use common::{bench, small, text};

#[test]
fn a_run_is_inspected() {
    let bench = bench();
    bench.result(&small(&["--epochs", "1", "--layers", "2", "--run", "r"]));
    let result = bench.result(&["inspect", "--run", "r", "--cell", "1:7"]);
    // 2 x 4 x (16 x 8 or 16 + 16 x 16 + 16), and what depends on the number of characters.
    let characters =
        fs::read_to_string(bench.path("text.txt")).unwrap().chars().collect::<std::collections::HashSet<_>>().len();
    let layers = 4 * (16 * (8 + 16) + 16) + 4 * (16 * (16 + 16) + 16);
    assert_eq!(result["metrics"]["parameters"], layers + characters * (8 + 16 + 1));
    let between = &result["metrics"]["between_words"];
    assert!(between["r"].as_f64().unwrap().abs() > between["chance"].as_f64().unwrap(), "{result}");
    assert!(result["metrics"].get("nesting").is_none(), "there is no bracket in the text");
    let page = fs::read_to_string(bench.path("r/inspect.html")).unwrap();
    assert!(page.contains("<h3>Cell 1:7</h3>") && page.contains('м') && page.contains("rnn.weight_hh_l1"));

    let said = bench.run(&["inspect", "--run", "r", "--data", "text.txt", "--characters", "5000", "--to", "own.html"]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("inside quotes") && said.contains("encoder.weight"), "{said}");
    assert!(
        fs::read_to_string(bench.path("own.html")).unwrap().contains("reading 5000 characters of text.txt, part all")
    );
}

#[test]
fn what_cannot_be_inspected_is_said() {
    let bench = bench();
    assert!(bench.failure(&["inspect"], 1).contains("no run yet"));
    bench.result(&small(&["--epochs", "1", "--run", "r"]));
    assert!(bench.failure(&["inspect", "--run", "r", "--cell", "0"], 2).contains("LAYER:NUMBER"));
    let said = bench.failure(&["inspect", "--run", "r", "--cell", "1:0"], 1);
    assert!(said.contains("cell: found 1:0; expected a layer below 1 and a number below 16"), "{said}");
    let said = bench.run(&["inspect", "--run", "r", "--characters", "900"]);
    assert!(said.status.success() && String::from_utf8(said.stdout).unwrap().contains("900 tokens were read"));
    fs::write(bench.path("greek.txt"), text(3000) + "λ").unwrap();
    assert!(bench.failure(&["inspect", "--run", "r", "--data", "greek.txt"], 1).contains('λ'));
    assert!(bench.failure(&["inspect", "--run", "r", "--part", "test"], 2).contains("no part \"test\""));
    assert!(bench.failure(&["inspect", "--run", "r", "--to", "no/such/folder.html"], 1).contains("no/such"));
}
