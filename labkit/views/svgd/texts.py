"""Longer texts of the page, as HTML: they are shown below the pictures of each tab."""

import re

from labkit.views.scenes import fold


def small_parentheses(formula: str) -> str:
    """Return MathML whose parentheses and brackets do not grow with what is between them."""
    return re.sub(r"<mo>([][()])</mo>", r'<mo stretchy="false">\1</mo>', formula)


PARTICLES = """
<b>What you see.</b> Dashed: the target. Green: the particles. On a line, each tick below the axis is a particle,
and the green area is their smoothed density. Smoothing makes its peaks a little lower and wider than those of the
target. In the plane, each dot is a particle. At the end the particles look like samples of the target; the tab
<i>Collapse</i> shows when they do not. <b>Try:</b> drag a diamond (the top of a mode) or a particle.
<span class="mouse">Double-click</span><span class="touch">Double-tap</span> to add a particle.
<span class="mouse">Click</span><span class="touch">Tap</span> a particle to see what its neighbours do to it.
<span class="mouse"><b>Keys:</b> space plays or pauses, → takes a step, ← rewinds, R resets.</span>
"""
EQUATION = small_parentheses("""
<math display="block" style="font-size: 1.15em"><msub><mi>x</mi><mi>i</mi></msub><mo>←</mo><msub><mi>x</mi>
<mi>i</mi></msub><mo>+</mo><mi>ε</mi><mspace width=".2em"/><mi>φ</mi><mo>(</mo><msub><mi>x</mi><mi>i</mi></msub>
<mo>)</mo><mo>,</mo><mspace width="1.5em"/><mi>φ</mi><mo>(</mo><msub><mi>x</mi><mi>i</mi></msub><mo>)</mo><mo>=</mo>
<mfrac><mn>1</mn><mi>n</mi></mfrac><munder><mo>∑</mo><mi>j</mi></munder><mspace width=".2em"/><mo>[</mo><munder>
<mrow style="border-bottom: 3px solid #2b8cc4; padding-bottom: .15em"><mi>k</mi><mo>(</mo><msub><mi>x</mi>
<mi>j</mi></msub><mo>,</mo><msub><mi>x</mi><mi>i</mi></msub><mo>)</mo><mspace width=".2em"/><mo>∇</mo><mi>log</mi>
<mspace width=".2em"/><mi>p</mi><mo>(</mo><msub><mi>x</mi><mi>j</mi></msub><mo>)</mo></mrow>
<mtext>drive (uphill)</mtext></munder><mo>+</mo><munder>
<mrow style="border-bottom: 3px solid #cc79a7; padding-bottom: .15em"><msub><mo>∇</mo><msub><mi>x</mi>
<mi>j</mi></msub></msub><mspace width=".2em"/><mi>k</mi><mo>(</mo><msub><mi>x</mi><mi>j</mi></msub><mo>,</mo><msub>
<mi>x</mi><mi>i</mi></msub><mo>)</mo></mrow><mtext>repulsion (apart)</mtext></munder><mo>]</mo><mo>,</mo>
<mspace width="1.5em"/><mi>k</mi><mo>(</mo><mi>x</mi><mo>,</mo><mi>x</mi><mo lspace="0" rspace="0">′</mo><mo>)</mo>
<mo>=</mo><mi>exp</mi><mo>(</mo><mo>−</mo><msup><mrow><mo stretchy="false" lspace="0" rspace="0">|</mo><mi>x</mi>
<mo>−</mo><mi>x</mi><mo lspace="0" rspace="0">′</mo><mo stretchy="false" lspace="0" rspace="0">|</mo></mrow>
<mn>2</mn></msup><mo>/</mo><mo>(</mo><mn>2</mn><msup><mi>h</mi><mn>2</mn></msup><mo>)</mo><mo>)</mo></math>
This is one step of SVGD, with the Gaussian kernel and its bandwidth h. The <b>drive</b> is an average of the uphill
directions of all particles, in which near particles count most. The <b>repulsion</b> pushes a particle away from near
ones: ∇<sub>x<sub>j</sub></sub> k points from x<sub>j</sub> to x<sub>i</sub>. The formula is the step of the optimiser
<i>Plain steps</i>. Adagrad, the default, first divides φ by its recent size, so each particle moves by about ε.
""")
CURVES = fold(
    "More about the curves",
    """
<b>KSD</b> (kernel Stein discrepancy) measures how different the particles are from samples of the target. Lower is
better, but n particles cannot reach 0 on this curve. To judge a value, compare it with that of independent draws:
see <i>Compare with</i>. KSD is computed with a kernel, and another kernel gives another number. <i>KSD (run's
kernel)</i>, the number after the step at the top right, uses the run's own kernel, whose h may change at every step.
The curve uses the Gaussian kernel with the h of step 0, so its values can be compared between steps. SVGD reduces the
KSD of its own kernel, so the curve may rise again after a minimum.<br>
Adagrad divides φ by its recent size, so each move stays about ε long even when φ is small. The particles never come
to rest, and the curves stop falling. A smaller ε helps. A sharp dip in an error only means that the error changed its
sign.<br>
In a long run, each point of a curve is the mean over several steps. The pale band reaches from the lowest to the
highest value of these steps. On a busy server the curves use only some of the steps, chosen at random.
The file of <i>Save curves</i> says how many.<br>
<b>Forces on a chosen particle:</b> each point is one particle j, and its height is what j adds to φ of the particle
that you clicked. In one dimension, a negative value points to the left.
""",
)
REGRESSION = fold(
    "More about the model and the curves",
    """
A network computes f(x) = Σ v<sub>j</sub> max(0, w<sub>j</sub> x + a<sub>j</sub>) + c, a sum over its H hidden
units. Then y = f(x) + noise. Many choices of the weights v, w, a and c fit the points about equally well. The
posterior says how plausible each choice is: it is the prior times the likelihood, up to a constant.<br>
In the <b>prior</b>, every weight is N(0, 1/λ), and the noise is N(0, 1/γ). The precisions (1/variance) γ and λ are
Gamma(1, b): their density is b exp(−bγ), with mean 1/b. A particle contains the weights, log γ and log λ. For
standardised y and N training points, the logarithm of the posterior depends on γ as (N + 2)/2 · log γ − γ (sum of
error² + 2b)/2. N/2 · log γ comes from the N points. One more log γ comes because a particle contains log γ: the
density of log γ is γ times that of γ. So the prior counts as two points whose squared errors sum to 2b, and where the
posterior is highest, noise² = 1/γ = (sum of error² + 2b)/(N + 2). Without any error the noise is √(2b/(N + 2)): 0.18
for b = 1 and N = 60. Times the standard deviation of the training y, 0.51 for the first points, this is 0.09 in units
of y.<br>
The networks see <b>standardised</b> x and y (mean 0, variance 1). Mean and scale are computed once, at the start of
the run, and do not change when you drag a point.<br>
<b>Log-likelihood:</b> each network gives a density to a held-out y. The curve shows the logarithm of their mean
density, averaged over the held-out points, in nats (the unit of natural logarithms). Higher is better. A density
can be above 1, so the value can be above 0.<br>
With a constant step size the networks never settle completely. A smaller ε helps. In a long run, each point of a
curve is the mean over several steps, and the pale band shows the lowest and the highest value.
""",
)
CLASSIFICATION = fold(
    "More about the model and the curves",
    """
A particle is (w, log α): the weights w of a logistic regression and their prior precision α (1/variance). It predicts
class 1 with probability 1/(1 + exp(−w · f(x))), where f(x) are the features and a 1 for the bias. In the prior, every
weight is N(0, 1/α), and α is Gamma(1, b) with mean 1/b.<br>
A large <b>α</b> pulls the weights of a particle towards 0. The data can move α far
from 1/b, because they move w. For fixed weights w (m of them), the density of α is again Gamma, with
mean (m/2 + 1)/(|w|²/2 + b).<br>
The <b>accuracy</b> jumps when the boundary crosses a point. In a long run, each point of a curve is the mean over
several steps, and the pale band shows the lowest and the highest value. The percentage at the top right belongs to
the newest step.<br>
<b>Log-likelihood:</b> the logarithm of the mean probability of the true class, averaged over the held-out points,
in nats (the unit of natural logarithms). 0 is best. A guess of 1/2 gives −0.69.
""",
)
COLLAPSE = fold(
    "More: why the median rule does not prevent the collapse",
    """
In many dimensions all pairs of particles have about the same distance r. The median rule sets h² = r²/(2 log(n
+ 1)). So k = exp(−r²/(2h²)) = 1/(n + 1) for each pair. The n − 1 neighbours together then weigh (n − 1)/(n +
1), nearly 1: almost as much as the particle itself. Its own score, the gradient of log p (uphill), pulls it
inwards with full weight, k = 1. But it does not push itself.<br>
For the independent target, a particle's own score adds −x/n to φ, and the other scores nearly cancel. Neighbour j
adds the repulsion k (x − x<sub>j</sub>)/(n h²). In the sum over j the x<sub>j</sub> nearly cancel. So two forces are
left:<br>pull: −x/n,<br>push: n neighbours with k x/(n h²) each, together k x/h². With k about 1/n this is x/(n
h²).<br>They are equal when h is near 1, so r² is near 2 log(n + 1). But r² is also 2D times the variance. Together:
variance = log(n + 1)/D.<br>
This holds while it is below 1. In fewer dimensions the distances differ more, and near neighbours push more.
""",
)
