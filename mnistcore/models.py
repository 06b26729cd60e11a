"""The five nets: small CNNs that map one 28x28 plane to ten logits.

Layer by layer they are the nets of the public project ``pytorch-mnist``, so its weights can be
copied by position: the parameters come in the order of the layers, every convolution and linear
layer has a bias, and there is no batch norm. Convolutions are unpadded unless noted.
"""

from collections import OrderedDict

from torch import Tensor, nn

from mnistcore.fused import ConvReLUPool


class LeNet(nn.Module):
    """LeNet-5 as used today: ReLU and max pooling in place of tanh and subsampling.

    References:
        LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition.
        Proceedings of the IEEE 86(11), 1998, section II.
    """

    def __init__(self) -> None:
        super().__init__()
        # The layers are named so that `inside` can apply them one by one; an in-place ReLU would
        # overwrite the maps of conv1.
        self.stage1 = ConvReLUPool(
            OrderedDict(conv1=nn.Conv2d(1, 6, 5), relu=nn.ReLU(), pool=nn.MaxPool2d(2))
        )
        self.stage2 = ConvReLUPool(
            OrderedDict(conv2=nn.Conv2d(6, 16, 5), relu=nn.ReLU(), pool=nn.MaxPool2d(2))
        )
        self.head = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                fc1=nn.Linear(256, 120),
                relu1=nn.ReLU(),
                fc2=nn.Linear(120, 84),
                relu2=nn.ReLU(),
                fc3=nn.Linear(84, 10),
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, 1, 28, 28) -> logits (N, 10)."""
        x = self.stage1(images)  # (N, 6, 12, 12)
        x = self.stage2(x)  # (N, 16, 4, 4)
        return self.head(x)  # (N, 10)


class MyFullConvNet(nn.Module):
    """Convolutions down to one pixel; the last two have no ReLU, as in the reference."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 6, 3),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(6, 12, 3),
                relu2=nn.ReLU(),
                pool1=nn.MaxPool2d(2),  # (N, 12, 12, 12)
                conv3=nn.Conv2d(12, 24, 3),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(24, 48, 3),
                relu4=nn.ReLU(),
                pool2=nn.MaxPool2d(2),  # (N, 48, 4, 4)
                conv5=nn.Conv2d(48, 96, 3),
                conv6=nn.Conv2d(96, 48, 2),
            )
        )
        self.head = nn.Sequential(OrderedDict(flatten=nn.Flatten(), fc1=nn.Linear(48, 10)))

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, 1, 28, 28) -> logits (N, 10)."""
        x = self.features(images)  # (N, 48, 1, 1)
        return self.head(x)  # (N, 10)


class MyNetV1(nn.Module):
    """Strides instead of pooling, and a wide first linear layer with most of the parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 10, 3),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(10, 48, 3, stride=2),
                relu2=nn.ReLU(),  # (N, 48, 12, 12)
                conv3=nn.Conv2d(48, 128, 3),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(128, 512, 3, stride=2),
                relu4=nn.ReLU(),
            )
        )
        self.head = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                dropout1=nn.Dropout(0.5),
                fc1=nn.Linear(8192, 1024),
                relu1=nn.ReLU(),
                dropout2=nn.Dropout(0.5),
                fc2=nn.Linear(1024, 128),
                relu2=nn.ReLU(),
                fc3=nn.Linear(128, 10),
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, 1, 28, 28) -> logits (N, 10)."""
        x = self.features(images)  # (N, 512, 4, 4)
        return self.head(x)  # (N, 10)


class MyNetV2(nn.Module):
    """MyNetV1 with a hundredth of its parameters: one more convolution and a small head."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 10, 3),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(10, 20, 3, stride=2),
                relu2=nn.ReLU(),  # (N, 20, 12, 12)
                conv3=nn.Conv2d(20, 40, 3),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(40, 80, 3, stride=2),
                relu4=nn.ReLU(),  # (N, 80, 4, 4)
                conv5=nn.Conv2d(80, 40, 3),
                relu5=nn.ReLU(),
            )
        )
        self.head = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                dropout=nn.Dropout(0.5),
                fc1=nn.Linear(160, 48),
                relu=nn.ReLU(),
                fc2=nn.Linear(48, 10),
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, 1, 28, 28) -> logits (N, 10)."""
        x = self.features(images)  # (N, 40, 2, 2)
        return self.head(x)  # (N, 10)


class MyVggNet(nn.Module):
    """VGG's blocks of 3x3 convolutions, each followed by pooling, at MNIST's size."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 16, 3, padding=1),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(16, 16, 3, padding=1),
                relu2=nn.ReLU(),
                pool1=nn.MaxPool2d(2),  # (N, 16, 14, 14)
                conv3=nn.Conv2d(16, 64, 3),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(64, 64, 3),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(64, 64, 1),
                relu5=nn.ReLU(),
                pool2=nn.MaxPool2d(2),  # (N, 64, 5, 5)
                conv6=nn.Conv2d(64, 128, 3),
                relu6=nn.ReLU(),
                conv7=nn.Conv2d(128, 128, 3),
                relu7=nn.ReLU(),
            )
        )
        self.head = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                dropout=nn.Dropout(0.5),
                fc1=nn.Linear(128, 96),
                relu=nn.ReLU(),
                fc2=nn.Linear(96, 10),
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (N, 1, 28, 28) -> logits (N, 10)."""
        x = self.features(images)  # (N, 128, 1, 1)
        return self.head(x)  # (N, 10)


MODELS: dict[str, type[nn.Module]] = {
    net.__name__: net for net in (LeNet, MyFullConvNet, MyNetV1, MyNetV2, MyVggNet)
}


def list_models() -> list[str]:
    """The names of the five nets, spelled like their classes."""
    return list(MODELS)


def model_name(name: str) -> str:
    """The class name of a net, given its name in any case.

    Raises:
        ValueError: no net has that name; the message lists the nets.
    """
    for known in MODELS:
        if known.lower() == name.lower():
            return known
    raise ValueError(f"unknown model {name!r}; choose from {', '.join(MODELS)}")


def create_model(name: str) -> nn.Module:
    """A net by its name, in any case, with random weights and in training mode.

    Raises:
        ValueError: no net has that name.
    """
    return MODELS[model_name(name)]()


def count_parameters(model: nn.Module) -> int:
    """The number of trainable parameters of a net."""
    return sum(p.numel() for p in model.parameters())
