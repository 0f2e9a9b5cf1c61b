//! Scratch driver.
use ognivo_embeddings::fasttext::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (train, test) = (&a[1], &a[2]);
    let mut config = Config::supervised();
    for pair in a[3..].chunks(2) {
        if pair[0] == "-save" {
            continue;
        }
        config.set(pair[0].trim_start_matches('-'), &pair[1]).unwrap();
    }
    rayon::ThreadPoolBuilder::new().num_threads(config.thread).build_global().unwrap();
    let t = std::time::Instant::now();
    let model = train::supervised(config, train.as_ref(), |_| true).unwrap();
    let s = t.elapsed().as_secs_f64();
    if test == "-" {
        println!("{s:.3} s");
    } else {
        let meter = model.test(&mut train::open(test.as_ref()).unwrap(), 1, 0.0).unwrap();
        println!("{:.2} % in {s:.3} s", 100.0 * meter.all.precision());
    }
    if let Some(i) = a.iter().position(|x| x == "-save") {
        model.write(a[i + 1].as_ref()).unwrap();
    }
}
