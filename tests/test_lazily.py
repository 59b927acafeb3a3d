"""The tests check the types and the shapes of labkit's functions, although each check is written only when needed."""

import pytest
import torch
from jaxtyping import TypeCheckError

from labkit.draw import attention


def test_a_wrong_shape_or_type_is_refused_with_the_name_of_the_argument():
    attention.window(torch.zeros(2, 5), 3, 8, 8)
    with pytest.raises(TypeCheckError, match="raw"):
        attention.window(torch.zeros(2, 4), 3, 8, 8)
    with pytest.raises(TypeCheckError, match="height"):
        attention.window(torch.zeros(2, 5), 3, 8.5, 8)
