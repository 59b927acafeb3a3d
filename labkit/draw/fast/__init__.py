"""These operations give the numbers of `labkit.draw.operations` in fewer and smaller steps, with gradients by hand.

A network uses these by default. `labkit.draw.operations.PAPER` is plain torch, and tests compare the two. The plain
form is also used where a gradient is differentiated again, and inside the transforms of `torch.func`
(`labkit.derivatives`). Rows of "plain operations" in `labkit bench draw` measure the time saved; medians there:

    operation    | way                               | used by     | saved, T = 10 | T = 64    | row
    look, lay    | `windows`: filters, products and  | DRAW        | 7 to 12 %     | 0 to 9 %  | windows
                 | intensity as one operation        |             |               |           |
    linear, cell | `lstm`: the gradient of a weight  | DRAW and    | 0 to 11 %     | 2 to 6 %  | maps and cells
                 | is summed in place over the steps | Classifier  |               |           |
    all four     | both                              |             | 8 to 20 %     | 7 to 11 % | all

Each range covers several runs, in float32 and with products in bfloat16. Together they save about a tenth.
"""

from labkit.draw.fast import lstm, windows
from labkit.draw.operations import Operations

OPERATIONS = Operations(windows.look, windows.lay, lstm.Linear, lstm.Cell)
