//! The layout of Tiny ImageNet (Stanford CS231n): `train/<wnid>/images/`, and `val/images/` labelled by
//! `val/val_annotations.txt`. Names of the WordNet identifiers come from `words.txt`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::ImageSet;
use super::folder::{FolderImages, Skipped, list};
use super::source::read_text;
use crate::{Error, Result};

/// The official words.txt has 2.6 MB.
const MAX_TEXT: u64 = 64 << 20;

/// Whether `root` has this layout.
pub(crate) fn is_tiny_imagenet(root: &Path) -> bool {
    root.join("train").is_dir() && root.join("val/val_annotations.txt").is_file()
}

/// Training and validation part. The official test part has no labels and is not read.
pub(crate) fn open(root: &Path, skipped: &mut Vec<Skipped>) -> Result<(FolderImages, FolderImages)> {
    let train = FolderImages::open(&root.join("train"), skipped)?;
    // Bounding boxes lie beside the pictures of every class: part of the layout, not stray files.
    skipped.retain(|file| !file.path.to_string_lossy().ends_with("_boxes.txt"));
    let valid = validation(root, train.classes(), skipped)?;
    if root.join("test").is_dir() {
        skipped.push(Skipped { path: root.join("test"), reason: "the test pictures have no labels" });
    }
    let names = names(&root.join("words.txt"), train.classes())?;
    Ok((train.with_names(names.clone())?, valid.with_names(names)?))
}

/// Pictures by the lines of val_annotations.txt: file, identifier, and a bounding box that is not read.
fn validation(root: &Path, identifiers: &[String], skipped: &mut Vec<Skipped>) -> Result<FolderImages> {
    let annotations = root.join("val/val_annotations.txt");
    let folder = root.join("val/images");
    let labels: BTreeMap<&str, usize> =
        identifiers.iter().enumerate().map(|(label, identifier)| (identifier.as_str(), label)).collect();
    let mut unnamed: BTreeSet<_> = list(&folder)?.into_iter().filter(|path| path.is_file()).collect();
    let mut files = Vec::new();
    for (number, line) in read_text(&annotations, MAX_TEXT)?.lines().enumerate() {
        let mut fields = line.split('\t');
        let (file, identifier) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let wrong = |found: String, expected: &str| {
            Error::format(&annotations, format!("line {}", number + 1), found, expected)
        };
        let path = folder.join(file);
        // Only names that were listed: a line with `..` reaches nothing outside the folder.
        if !unnamed.remove(&path) {
            return Err(wrong(format!("the file {file:?}"), "a file of val/images, named once"));
        }
        let Some(&label) = labels.get(identifier) else {
            return Err(wrong(format!("the identifier {identifier:?}"), "one of the folders of train"));
        };
        files.push((path, label));
    }
    skipped.extend(unnamed.into_iter().map(|path| Skipped { path, reason: "not in val_annotations.txt" }));
    if files.is_empty() {
        return Err(Error::format(annotations, "whole file", "no lines", "file, identifier and box on each line"));
    }
    FolderImages::new(files, identifiers.to_vec())
}

/// The first word for each identifier; the identifier itself where it has none, and beside it where words coincide.
fn names(words: &Path, identifiers: &[String]) -> Result<Vec<String>> {
    if !words.is_file() {
        return Ok(identifiers.to_vec());
    }
    let text = read_text(words, MAX_TEXT)?;
    let words: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let word = |identifier: &String| -> String {
        let all = words.get(identifier.as_str()).copied().unwrap_or(identifier);
        all.split(',').next().unwrap_or(all).trim().to_string()
    };
    let names: Vec<String> = identifiers.iter().map(word).collect();
    let mut counts = BTreeMap::new();
    names.iter().for_each(|name| *counts.entry(name.as_str()).or_insert(0) += 1);
    let distinct = |(name, identifier): (&String, &String)| match counts.get(name.as_str()) {
        Some(1) | None => name.clone(),
        Some(_) => format!("{name} ({identifier})"),
    };
    Ok(names.iter().zip(identifiers).map(distinct).collect())
}
