//! Every cell in a full stack.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use ognivo_core::weights;
use ognivo_sequence::cell::{CellConfig, StackConfig};

#[test]
fn smoke() {
    let device = Device::default().autodiff();
    for name in CellConfig::NAMES {
        device.seed(1);
        let config = StackConfig {
            cell: name.parse().unwrap(),
            hidden: 5,
            layers: 2,
            bidirectional: true,
            dropout: 0.2,
            recurrent_dropout: 0.2,
            layer_norm: true,
            learned_state: true,
        };
        let stack = config.init(3, &device).unwrap();
        assert_eq!(stack.num_params(), config.parameters(3), "{name}");
        let x = Tensor::<3>::random([4, 2, 3], Distribution::Default, &device);
        let (y, states) = stack.forward(x.clone(), None, Some(&[4, 2]));
        assert_eq!(y.dims(), [4, 2, 10]);
        assert_eq!(states.len(), 4);
        let _ = y.sum().backward();
        println!("{:?}", weights::tensors_of(&stack).keys().collect::<Vec<_>>());
        let json = serde_json::to_string(&config).unwrap();
        println!("{json}");
        assert_eq!(serde_json::from_str::<StackConfig>(&json).unwrap(), config);
    }
}
