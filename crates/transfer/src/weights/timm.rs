//! timm's names for tensors that torchvision, and so a network here, calls otherwise.

use ognivo_cnn::image::model::NetworkConfig;

/// Blocks of MobileNetV2 in each of timm's groups; torchvision numbers them through, from 1.
const GROUPS: [usize; 7] = [1, 2, 3, 4, 3, 3, 1];

/// What timm calls the tensor `name` of `network`; none where it is the same, or the network is not timm's.
pub(super) fn name(network: &NetworkConfig, name: &str) -> Option<String> {
    let (layer, tensor) = name.rsplit_once('.')?;
    let layer = match network.name() {
        vgg if vgg.starts_with("vgg") => match layer {
            "classifier.0" => "pre_logits.fc1",
            "classifier.3" => "pre_logits.fc2",
            "classifier.6" => "head.fc",
            _ => return None,
        }
        .to_string(),
        "mobilenet-v2" => mobilenet(layer)?,
        _ => return None,
    };
    Some(format!("{layer}.{tensor}"))
}

fn mobilenet(layer: &str) -> Option<String> {
    let fixed = match layer {
        "features.0.0" => "conv_stem",
        "features.0.1" => "bn1",
        "features.18.0" => "conv_head",
        "features.18.1" => "bn2",
        "classifier.1" => "classifier",
        _ => "",
    };
    if !fixed.is_empty() {
        return Some(fixed.into());
    }
    let (block, part) = layer.strip_prefix("features.")?.split_once(".conv.")?;
    let mut place = block.parse::<usize>().ok()?.checked_sub(1)?;
    let group = GROUPS.iter().position(|&blocks| {
        let here = place < blocks;
        place -= if here { 0 } else { blocks };
        here
    })?;
    // The first block does not widen.
    let part = match (group, part) {
        (0, "0.0") => "conv_dw",
        (0, "1") => "conv_pw",
        (0, "2") | (1.., "1.1") => "bn2",
        (_, "0.1") => "bn1",
        (1.., "0.0") => "conv_pw",
        (1.., "1.0") => "conv_dw",
        (1.., "2") => "conv_pwl",
        (1.., "3") => "bn3",
        _ => return None,
    };
    Some(format!("blocks.{group}.{place}.{part}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ognivo_cnn::image::model::InputShape;

    use super::*;

    /// Against the names and shapes that timm has (tests/reference/timm.py).
    #[test]
    fn every_name_is_timms() {
        let file = include_str!("../../tests/reference/timm.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        for (ours, theirs) in [("vgg11", "vgg11"), ("vgg16-bn", "vgg16_bn"), ("mobilenet-v2", "mobilenetv2_100")] {
            let network = crate::weights::published(ours).unwrap().network;
            let input = InputShape { channels: 3, height: 224, width: 224 };
            let shapes = network.backbone_shapes(input, 1000).unwrap();
            let found: BTreeMap<String, usize> = shapes
                .iter()
                .map(|(own, shape)| (name(&network, own).unwrap_or_else(|| own.clone()), shape.iter().product()))
                .collect();
            let expected: BTreeMap<String, Vec<usize>> =
                serde_json::from_value(file["networks"][theirs].clone()).unwrap();
            let expected = expected.into_iter().map(|(name, shape)| (name, shape.iter().product())).collect();
            assert_eq!(found, expected, "{ours}");
        }
    }
}
