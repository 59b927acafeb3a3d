"""This is the training loop of labkit.

    for record in training.fit(task, Settings(epochs=10), "runs/a", train, test):
        print(record.step, record.bound)

The same call on the folder of a stopped or killed run continues from its newest checkpoint. On a CPU it ends with the
same bits as a run without interruption.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from labkit.training import capture, checkpoints, devices, export, schedules
from labkit.training.board import Board
from labkit.training.data import Given, given
from labkit.training.folder import Folder
from labkit.training.settings import MOST, Settings
from labkit.training.step import Step
from labkit.training.task import Data, Evaluation, Record, Task

COLLAPSED = 0.5  # nats of KL on the test images below which the latents carry no information
ADVICE = "start again in another folder with a lower learning rate, or clip the gradient"
EARLY = 500  # steps during which this is normal


def fit(
    task: Task, settings: Settings, folder: Path | str, train: Given, test: Given | None = None
) -> Iterator[Record]:
    """Train the task's module and yield a record every few steps; closing the generator saves a checkpoint first.

    Args:
        folder: the folder of the run; it is created, or resumed if it holds this run.
        train: images uint8 (N, C, H, W), and labels or other tensors for the task, all of length N; or the images
            alone. Arrays become tensors.
        test: the same for testing; without it there are no evaluations.

    Raises:
        TypeError: task is not a `Task`, or the data are neither tensors nor arrays.
        ValueError: settings, data, folder or checkpoint do not fit together; the message says what to do.
        FloatingPointError: all steps of an epoch were skipped because a number was not finite, or the test bound is not
            finite. Exported weights, if there are any, are from before.
        OSError: the folder cannot be written.
    """
    place = Folder(folder)
    try:
        run = _Run(task, settings, place, train, test)
        try:
            yield from run.records()
            devices.settle()
            devices.leave()
        except GeneratorExit:
            run.save()
            devices.settle()
            raise
        finally:
            run.board.close()
    finally:
        place.release()


class _Run:
    """The state of the loop: how many steps are done, and when files were last written."""

    def __init__(self, task: Task, settings: Settings, folder: Folder, train: Given, test: Given | None):
        if not isinstance(task, Task):
            raise TypeError(
                f"task must be a training.Task, got {type(task).__name__}; use draw.Task(network) or dreg.Task(network)"
            )
        train = given(train, "train")
        test = None if test is None else given(test, "test")
        self.task, self.settings, self.folder = task, settings, folder
        self.fabric = devices.launch(settings)
        self.first = self.fabric.global_rank == 0
        self.n, world = len(train[0]), self.fabric.world_size
        if settings.batch_size > self.n or settings.batch_size % world:
            raise ValueError(
                f"batch_size must be at most the {self.n} training images and a multiple of the {world} processes, "
                f"got {settings.batch_size}; change it"
            )
        self.per_epoch = self.n // settings.batch_size  # the last, smaller batch of an epoch is skipped
        self.steps = settings.steps or settings.epochs * self.per_epoch
        if self.steps > MOST:
            raise ValueError(f"a run has at most {MOST:,} steps, got {self.steps:,}; use fewer epochs")
        self.test = None if test is None else self._here(test)
        self.step_of = Step(self.fabric, task, settings, self._here(train))
        self.done, self.skipped, self.spent, self.saved = 0, 0, 0.0, -1
        self.left, self.streak = 0, 0  # skipped steps since the last record; consecutive skipped steps
        self.facts: dict[str, str] = {}
        self._resume()
        self.board = Board(settings if self.first else Settings(), folder.path, self.done)
        self.began = self.kept = time.monotonic()
        self.generators = self.step_of.generators()

    def _here(self, data: Data) -> Data:
        return tuple(part.to(self.fabric.device) for part in data)

    def _resume(self) -> None:
        settings = asdict(self.settings)
        if self.first:
            self.folder.claim(
                {"kind": self.task.kind, "config": self.task.config, "facts": self.task.facts, "settings": settings}
            )
        self.fabric.barrier()
        state = checkpoints.newest(self.folder.checkpoints)
        if state is not None:
            self.step_of.restore(state)
            self.done, self.skipped, self.spent = state["step"], state["skipped"], state["seconds"]
            self.facts, self.saved = state["facts"], self.done
            self.left = self.streak = state.get("streak", 0)  # a run of an older labkit starts counting at 0
        if self.first:
            self.folder.cut(self.done)

    @property
    def seconds(self) -> float:
        """The seconds spent on the run, including those before it was resumed."""
        return self.spent + time.monotonic() - self.began

    @property
    def epoch(self) -> int:
        """The epoch of the last step done, from 1."""
        return -(-self.done // self.per_epoch)

    def records(self) -> Iterator[Record]:
        advance: Callable[[], None] | None = None
        order, epoch = torch.empty(0, dtype=torch.long), -1
        since, clock = self.done, time.monotonic()
        while self.done < self.steps:
            if epoch != self.done // self.per_epoch:
                epoch = self.done // self.per_epoch
                order = self._order(epoch)
            self.step_of.prepare(self._rows(order), self.done, self.steps)
            advance = advance or capture.advance(self.step_of)
            advance()
            self.done += 1
            if self._pauses():
                yield self._record((self.done - since), clock)
                since, clock = self.done, time.monotonic()

    def _order(self, epoch: int) -> torch.Tensor:
        """Return the images of an epoch in a random order that depends only on the seed and the epoch."""
        generator = torch.Generator().manual_seed(schedules.seed(self.settings.seed, "order", epoch))
        return torch.randperm(self.n, generator=generator).to(self.fabric.device)

    def _rows(self, order: torch.Tensor) -> torch.Tensor:
        """Return this process's part of the next batch's rows."""
        share = self.settings.batch_size // self.fabric.world_size
        begin = self.done % self.per_epoch * self.settings.batch_size + self.fabric.global_rank * share
        return order[begin : begin + share]

    def _pauses(self) -> bool:
        """Return whether a record is due; this depends only on the step, so that a resumed run has the same records."""
        return self.done % self.settings.log_every == 0 or self.done % self.per_epoch == 0 or self.done == self.steps

    def _record(self, steps: int, clock: float) -> Record:
        """Read the numbers, write the files that are due, and return the record."""
        means, self.left = self.step_of.read()
        rate = steps / max(time.monotonic() - clock, 1e-9)
        self.skipped += self.left
        self.streak = self.streak + steps if self.left == steps else 0
        self.generators = self.step_of.generators()
        last = self.done - 1
        row = {"step": self.done, "epoch": self.epoch, **means}
        row |= {"lr": schedules.rate(self.settings, last, self.steps), "beta": schedules.beta(self.settings, last)}
        row |= {"skipped": self.skipped}
        epochs = max(1, math.ceil(self.steps / self.per_epoch))
        told: dict[str, Any] = {**row, "steps": self.steps, "epochs": epochs, "rate": rate, "seconds": self.seconds}
        if self.streak:
            told["warning"] = f"all of the last {self.streak} steps were skipped as not finite; lower the learning rate"
        if self.first:
            self.folder.metrics.add({**row, "seconds": round(self.seconds, 3)})
        if self.streak >= min(self.per_epoch, self.steps):
            raise FloatingPointError(
                f"all of the last {self.streak} steps were skipped because the loss or gradient was not finite; "
                f"training stops at step {self.done} and exports nothing; {ADVICE}"
            )
        told |= self._evaluated()
        if self.first:
            told["wrote"] = (*told.get("wrote", ()), *self._kept())
        record = Record(**told)
        self.board.add(record)
        return record

    def _evaluated(self) -> dict[str, Any]:
        """Return the test bound and a sheet of samples, and write them, at the end of some epochs and of the run."""
        every = self.settings.eval_every * self.per_epoch
        if self.test is None or not (self.done == self.steps or (every and self.done % every == 0)):
            return {}
        found = self._measured(self.test)
        if found is None:
            return {}
        row: dict[str, Any] = {
            "step": self.done,
            "epoch": self.epoch,
            "bound": found.bound,
            "lx": found.lx,
            "lz": found.lz,
        }
        row |= {"n": found.n, **{f"kl_{t}": kl for t, kl in enumerate(found.kl, 1)}, "seconds": round(self.seconds, 3)}
        self.folder.epochs.add(row)
        self.facts = {"test_bound": repr(found.bound), "test_images": str(found.n), "test_step": str(self.done)}
        with torch.no_grad():
            sheet = self.task.sheet(self.step_of.average.module, self._generator("sheet"))
        told: dict[str, Any] = {"evaluation": found, "sheet": sheet}
        if sheet is not None:
            told["wrote"] = (self.folder.sheet(sheet, self.epoch),)
        if found.lz < COLLAPSED and (self.done > EARLY or self.done == self.steps):
            advice = "try a KL warm-up, or a lower learning rate"
            told["warning"] = f"collapse: the latents carry {found.lz:.2g} nats; {advice}"
        return told

    def _measured(self, test: Data) -> Evaluation | None:
        """Return the evaluation of the averaged weights on the test images, by the first process; None in the others.

        Raises:
            FloatingPointError: the bound is not finite. All processes raise it, because the others would otherwise
                wait.
        """
        found, fault = None, ""
        if self.first:
            try:
                found = self._test_bound(test)
            except ValueError as error:
                fault = str(error)
        if fault := self.fabric.broadcast(fault):
            raise FloatingPointError(f"training stops at step {self.done}, at its test: {fault}; {ADVICE}")
        return found

    def _test_bound(self, test: Data) -> Evaluation:
        n, began = len(test[0]), time.monotonic()
        generator = self._generator("test")  # the same noise each time, so that only the network differs
        rows = torch.arange(n, device=self.fabric.device).split(self.settings.batch_size)
        batches = (self.task.batch(test, index, generator) for index in rows)
        with torch.no_grad():
            found = self.task.evaluate(self.step_of.average.module, batches, generator)
        numbers = {name: float(found[name]) for name in ("bound", "lx", "lz")}
        return Evaluation(**numbers, kl=tuple(map(float, found["kl"])), n=n, seconds=time.monotonic() - began)

    def _generator(self, what: str) -> torch.Generator:
        return torch.Generator(self.fabric.device).manual_seed(schedules.seed(self.settings.seed, what))

    def _kept(self) -> tuple[Path, ...]:
        due = time.monotonic() - self.kept >= self.settings.checkpoint_seconds
        return self.save() if due or self.done == self.steps else ()

    def save(self) -> tuple[Path, ...]:
        """Write checkpoint and weights, if there are new ones, and return their paths.

        Just after a skipped step the weights may be wrong, so they are not exported. At the end of the run they are,
        because they have been tested.
        """
        if not self.first or self.done == self.saved:
            return ()
        sound = self.left == 0 or self.done == self.steps
        self.folder.sync()  # rows up to this step must be on disk before the checkpoint that relies on them
        self.board.flush()
        numbers: dict[str, Any] = {"step": self.done, "skipped": self.skipped, "streak": self.streak}
        numbers |= {"seconds": self.seconds, "facts": self.facts}
        state = {**self.step_of.state(), "generators": self.generators, **numbers}
        weights = self.folder.path / export.NAME
        if sound:
            facts = {"step": str(self.done), "seed": str(self.settings.seed), **self.facts}
            export.save(weights, self.step_of.average.module, self.task, facts)
        path = checkpoints.save(self.folder.checkpoints, state)  # last: a killed run repeats what is missing
        self.saved, self.kept = self.done, time.monotonic()
        return (path, weights) if sound else (path,)
