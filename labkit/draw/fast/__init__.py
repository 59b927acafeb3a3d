"""Operations with their gradients by hand: the numbers of `labkit.draw.operations`, from fewer and smaller steps.

A network takes these; `labkit.draw.operations.PAPER` is plain torch, the oracle in the tests. The plain form also takes
over by itself where a gradient is differentiated once more, and inside the transforms of `torch.func`
(`labkit.derivatives`). Rows of "plain operations" in `labkit bench draw` show what each way buys; medians there:

    operation    | way                               | taken       | buys, T = 10 | T = 64    | row
    look, lay    | `windows`: filters, products and  | by DRAW     | 7 to 12 %    | 0 to 9 %  | windows
                 | intensity as one operation        |             |              |           |
    linear, cell | `lstm`: the gradient of a weight  | by DRAW and | 0 to 11 %    | 2 to 6 %  | maps and cells
                 | is summed in place over the steps | Classifier  |              |           |
    all four     | both                              |             | 8 to 20 %    | 7 to 11 % | all

Each range is of several runs, in float32 and with products in bfloat16. Together they pay about a tenth.
"""

from labkit.draw.fast import lstm, windows
from labkit.draw.operations import Operations

OPERATIONS = Operations(windows.look, windows.lay, lstm.Linear, lstm.Cell)
