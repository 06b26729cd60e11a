"""The five nets of the project: small CNNs from one 28x28 plane to ten logits.

Layer by layer they are the nets of the public project ``pytorch-mnist``, so that weights of the
same shapes move over by position: no batch norm, every convolution and linear layer has a bias,
parameters stand in the order of the layers. Convolutions pad nothing unless it is said.
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
        # Named layers, to be walked; an in-place ReLU would overwrite the maps of conv1.
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
    """Convolutions down to one pixel; the last two carry no ReLU, as in the reference."""

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
    """Strides in place of pooling and a wide first linear layer, which holds most parameters."""

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
    """The idea of MyNetV1 with a hundredth of its parameters: one more convolution, small head."""

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
    """VGG's blocks of 3x3 convolutions with a pooling after each, at MNIST's size."""

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
    """The names of the five nets, spelled as the classes are."""
    return list(MODELS)


def model_name(name: str) -> str:
    """The class name of a net, found whatever the case of ``name``.

    Raises:
        ValueError: no net has that name; the message lists those there are.
    """
    for known in MODELS:
        if known.lower() == name.lower():
            return known
    raise ValueError(f"unknown model {name!r}; choose from {', '.join(MODELS)}")


def create_model(name: str) -> nn.Module:
    """A net by name (any case) with fresh random weights, in training mode.

    Raises:
        ValueError: no net has that name.
    """
    return MODELS[model_name(name)]()


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters of a net."""
    return sum(p.numel() for p in model.parameters())
