//! Pictures augmented per second, by one thread; the counter is items (pictures).
//!
//! `cargo bench -p ognivo-cnn --bench augment`

use divan::Bencher;
use divan::counter::ItemsCount;
use ognivo_cnn::image::augment::{Augment, FloatImage};
use ognivo_core::data::Image;

const MNIST: [usize; 3] = [1, 28, 28];
const CIFAR: [usize; 3] = [3, 32, 32];

#[divan::bench(args = ["none", "shift=2,flip", "shift=2,rotate=10", "shift=2,rotate=10,scale=0.9..1.1,erase=0.5"])]
fn mnist(bencher: Bencher, flags: &str) {
    bench(bencher, MNIST, flags);
}

#[divan::bench(args = ["none", "crop=4,flip", "crop=4,border=reflect,flip", "crop=4,flip,rotate=15", "crop=4,flip,brightness=0.2,contrast=0.2"])]
fn cifar(bencher: Bencher, flags: &str) {
    bench(bencher, CIFAR, flags);
}

/// From bytes to planes of numbers, as before every augmentation.
#[divan::bench(args = [MNIST, CIFAR])]
fn convert(bencher: Bencher, [channels, height, width]: [usize; 3]) {
    let image = Image { width, height, channels, pixels: vec![7; channels * height * width] };
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| FloatImage::from(&image));
}

fn bench(bencher: Bencher, shape: [usize; 3], flags: &str) {
    let augment = Augment::new(flags.parse().expect("a flag")).expect("in range");
    let mut image = FloatImage::new(shape, vec![0.5; shape.iter().product()]).expect("the right size");
    let mut index = 0;
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        index += 1;
        augment.replay(&mut image, 1, 0, index);
    });
}

fn main() {
    divan::main();
}
