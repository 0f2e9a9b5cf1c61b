use super::*;
use crate::{Names, Table, WordVectors};

/// Vectors around a few hundred centres, as those of words are, from a formula.
fn clustered(rows: usize, dim: usize) -> WordVectors {
    let mut state = 7u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The sum of four is near enough to a normal number.
        (0..4).map(|part| ((state >> (part * 16)) & 0xffff) as f32 / 65536.0 - 0.5).sum::<f32>()
    };
    let centres: Vec<Vec<f32>> = (0..300).map(|_| (0..dim).map(|_| next()).collect()).collect();
    let mut table = Table::zeros(rows, dim).unwrap();
    for row in 0..rows {
        let centre = &centres[row * 31 % centres.len()];
        table.row_mut(row).iter_mut().zip(centre).for_each(|(value, centre)| *value = centre + 0.7 * next());
    }
    WordVectors::new((0..rows).map(|row| format!("word{row}")).collect::<Names>(), table).unwrap()
}

/// By the definition, in 64 bits.
fn by_definition(vectors: &WordVectors, query: &Query, count: usize) -> Vec<u32> {
    let length = |v: &[f32]| v.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let mut all: Vec<(f64, u32)> = (vectors.table().iter().zip(0..))
        .map(|(row, id)| {
            let product: f64 = row.iter().zip(&query.vector).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            (product / length(row) / length(&query.vector), id)
        })
        .filter(|(_, id)| !query.exclude.contains(id))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    all.into_iter().take(count).map(|(_, id)| id).collect()
}

#[test]
fn neighbours_are_those_of_the_definition_in_any_batch() {
    for (rows, dim) in [(1, 1), (3, 2), (700, 20), (2500, 100)] {
        let vectors = clustered(rows, dim);
        let index = Index::new(&vectors).unwrap();
        let queries: Vec<_> = (0..rows.min(40))
            .map(|i| Query {
                vector: vectors.table().row(i * 7 % rows).iter().map(|x| x * (i + 1) as f32).collect(),
                exclude: if i % 2 == 0 { vec![(i * 7 % rows) as u32] } else { vec![] },
            })
            .collect();
        let together = index.nearest(&queries, 10);
        for (query, found) in queries.iter().zip(&together) {
            let ids: Vec<_> = found.iter().map(|one| one.id).collect();
            assert_eq!(ids, by_definition(&vectors, query, 10), "{rows} {dim}");
            assert_eq!(&index.nearest(std::slice::from_ref(query), 10)[0], found);
            let word = vectors.words().name(found.first().map_or(0, |one| one.id));
            let cosine = cosine(&query.vector, vectors.get(word).unwrap());
            assert!(
                found.first().is_none_or(|one| (f64::from(one.similarity) - cosine).abs() < 1e-6),
                "{found:?} {cosine}"
            );
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
        assert_eq!(pool.install(|| index.nearest(&queries, 10)), together, "threads change nothing");
    }
}

#[test]
fn the_first_of_equals_comes_first_and_numbers_that_are_none_never() {
    let mut table = Table::zeros(2000, 3).unwrap();
    for row in 0..2000 {
        table.row_mut(row).copy_from_slice(if row % 500 == 3 { &[2.0, 0.0, 0.0] } else { &[0.0, 1.0, 0.0] });
    }
    table.row_mut(10).fill(f32::NAN);
    table.row_mut(11).fill(0.0);
    table.row_mut(12).copy_from_slice(&[1e-30, 0.0, 0.0]);
    let vectors = WordVectors::new((0..2000).map(|i| i.to_string()).collect(), table).unwrap();
    let index = Index::new(&vectors).unwrap();
    let query = Query { vector: vec![3.0, 0.0, 0.0], exclude: vec![503] };
    let found = index.nearest(&[query.clone(), query.clone()], 6);
    let ids: Vec<_> = found[1].iter().map(|one| one.id).collect();
    assert_eq!(ids, [3, 12, 1003, 1503, 0, 1]);
    assert!(
        index.nearest(std::slice::from_ref(&query), 5000)[0].len() == 1998,
        "all but the excluded and what is no number"
    );
    assert_eq!(index.nearest(std::slice::from_ref(&query), 0), [vec![]]);
    assert_eq!(index.first(1000).nearest(&[query], 3)[0].last().unwrap().id, 0);
}

#[test]
fn a_table_without_rows_has_no_neighbours() {
    let vectors = WordVectors::new(Names::default(), Table::zeros(0, 2).unwrap()).unwrap();
    let index = Index::new(&vectors).unwrap();
    let query = Query { vector: vec![1.0, 0.0], exclude: vec![] };
    assert_eq!(index.nearest(&[query.clone(), query.clone()], 3), [vec![], vec![]]);
    assert_eq!(Graph::build(&index, &GraphConfig::default()).unwrap().nearest(&query, 3), []);
}

#[test]
fn the_graph_finds_nearly_all_and_the_same_for_a_seed() {
    let vectors = clustered(3000, 50);
    let index = Index::new(&vectors).unwrap();
    let queries: Vec<_> = (0..200).map(|i| Query::word(&vectors, &format!("word{}", i * 13)).unwrap()).collect();
    let exact = index.nearest(&queries, 10);
    let search = |seed| {
        let graph = Graph::build(&index, &GraphConfig { seed, ..GraphConfig::default() }).unwrap();
        queries.iter().map(|query| graph.nearest(query, 10)).collect::<Vec<_>>()
    };
    let found = search(1);
    let hits =
        exact.iter().zip(&found).flat_map(|(a, b)| a.iter().filter(|one| b.iter().any(|other| one.id == other.id)));
    let recall = hits.count() as f64 / 2000.0;
    println!("recall@10 {recall}");
    assert!(recall > 0.95, "{recall}");
    assert_eq!(found, search(1));
    // More than the candidates of a search: exact.
    let graph = Graph::build(&index, &GraphConfig { ef_search: 12, ..GraphConfig::default() }).unwrap();
    assert_eq!(graph.nearest(&queries[0], 20), index.nearest(&queries[..1], 20)[0]);
    assert!(Graph::build(&index, &GraphConfig { ef_search: 0, ..GraphConfig::default() }).is_err());
}

/// A lookup that makes vectors, as models of sub-words do.
struct Lengths(Names);

impl Lookup for Lengths {
    fn words(&self) -> &Names {
        &self.0
    }

    fn dim(&self) -> usize {
        2
    }

    fn vector(&self, word: &str, vector: &mut [f32]) -> bool {
        vector.copy_from_slice(&[word.len() as f32, 1.0]);
        !word.is_empty()
    }
}

#[test]
fn words_that_are_made_can_be_asked_about() {
    let lookup = Lengths(["a", "bb", "cccc"].into_iter().collect());
    let index = Index::new(&lookup).unwrap();
    let found = index.nearest(&[Query::word(&lookup, "ddd").unwrap()], 1);
    assert_eq!(index.words().name(found[0][0].id), "cccc");
    assert_eq!(similarity(&lookup, "eee", "fff").unwrap(), 1.0);
    assert!(similarity(&lookup, "", "a").is_err());
}

#[test]
fn an_unknown_word_is_named_with_the_nearest_spelling() {
    let vectors = WordVectors::new(
        ["queen", "king", "Königsberg"].into_iter().collect(),
        Table::from_values(1, &[1.0, 2.0, 3.0]).unwrap(),
    )
    .unwrap();
    for (word, suggestion) in [("qeen", "\"queen\""), ("King", "\"king\""), ("Konigsberg", "\"Königsberg\"")] {
        let said = Query::word(&vectors, word).unwrap_err().to_string();
        assert!(said.starts_with(&format!("word: found {word:?}")) && said.contains(suggestion), "{said}");
    }
    let long = "x".repeat(100_000);
    let said = similarity(&vectors, "king", &long).unwrap_err().to_string();
    assert!(said.ends_with("one of the 3 words that have a vector") && said.len() < 300, "{said}");
}
