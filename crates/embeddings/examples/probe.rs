use std::io::{Read, Write};
use ognivo_embeddings::{Names, Table, corpus::*, train::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let get = |k: &str, d: f64| std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    rayon::ThreadPoolBuilder::new().num_threads(get("T", 1.0) as usize).build_global().unwrap();
    let mut text = String::new();
    std::fs::File::open(&a[1]).unwrap().read_to_string(&mut text).unwrap();
    let mut names = Names::default();
    let mut counts = vec![];
    let mut raw: Vec<u32> = vec![];
    for line in text.lines() {
        for w in line.split(' ').filter(|w| !w.is_empty()) {
            let (id, new) = names.insert(w);
            if new { counts.push(0u64) }
            counts[id as usize] += 1;
            raw.push(id);
        }
        raw.push(LINE_END);
    }
    let v = Vocabulary::new(&names, &counts, get("MIN", 5.0) as u64).unwrap();
    let map: Vec<Option<u32>> = names.iter().map(|n| v.names().get(n)).collect();
    let ids: Vec<u32> = raw.into_iter().filter_map(|id| if id == LINE_END { Some(id) } else { map[id as usize] }).collect();
    let corpus = Corpus::from_ids(ids);
    eprintln!("{} words {} tokens", v.len(), v.tokens());
    let dim = get("DIM", 100.0) as usize;
    let seed = get("SEED", 1.0) as u64;
    let loss: Loss = std::env::var("LOSS").unwrap_or("ns".into()).parse().unwrap();
    let objective = Objective::new(loss, v.counts(), get("NEG", 5.0) as usize);
    let keep = v.keep(get("SAMPLE", 1e-3));
    let plan = Plan { sentences: &corpus, units: &Units::Tokens, objective: &objective, keep: keep.as_deref(),
        architecture: if get("CBOW", 0.0) > 0.0 { Architecture::Cbow } else { Architecture::SkipGram }, window: get("WINDOW", 5.0) as u32, epochs: get("EPOCHS", 1.0) as u64,
        learning_rate: get("LR", 0.025) as f32, seed, hogwild: get("HOG", 0.0) > 0.0 };
    let inputs = initial_inputs(v.len(), dim, seed).unwrap();
    let mut t = Trainer::new(plan, inputs, Table::zeros(v.len(), dim).unwrap(), None).unwrap();
    let start = std::time::Instant::now();
    let mut next = 0.0;
    while !t.is_finished() {
        let p = t.advance(100_000).unwrap();
        if p.tokens as f64 / p.of as f64 >= next { eprintln!("{:.2} loss {:.4} {:.0} w/s", p.tokens as f64 / p.of as f64, p.loss, p.tokens as f64 / start.elapsed().as_secs_f64()); next += 0.1 }
    }
    let s = start.elapsed().as_secs_f64();
    println!("seconds {s:.2} Mw/s {:.3}", t.tokens() as f64 / s / 1e6);
    if a.len() > 2 {
        let (i, _) = t.tables();
        let mut f = std::io::BufWriter::new(std::fs::File::create(&a[2]).unwrap());
        writeln!(f, "{} {}", v.len(), dim).unwrap();
        for (n, row) in v.names().iter().zip(i.iter()) {
            write!(f, "{n} ").unwrap();
            for x in row { f.write_all(&x.to_le_bytes()).unwrap() }
            writeln!(f).unwrap();
        }
    }
}
