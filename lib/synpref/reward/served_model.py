"""The code that MLflow stores with a logged reward model and runs to load it. No pickle: weights are safetensors.

Never imported: MLflow executes the file, which names its model by `set_model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

if TYPE_CHECKING:
    from synpref.engines.reward import RewardScorer


class ServedRewardModel(PythonModel):
    """Rewards by the same engine, tokenisation and limits as in training."""

    scorer: RewardScorer

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model folder that was logged as artifact `model`."""
        from pathlib import Path

        from synpref.engines.reward import RewardScorer
        from synpref.reward.model_folder import read_model
        from synpref.reward.tracking import MODEL_ARTIFACT, SERVING_TOKEN_BUDGET

        folder = Path(context.artifacts[MODEL_ARTIFACT])
        plan = read_model(folder).plan
        self.scorer = RewardScorer.load(
            str(folder),
            dtype="float32",
            max_tokens=plan.max_tokens,
            overlong=plan.overlong,
            token_budget=SERVING_TOKEN_BUDGET,
        )

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Map rows of `messages` (list of {role, content}) and `response` to `reward`, one double a row."""
        from synpref.engines.tokenise import Conversation

        del context, params
        pairs = zip(model_input["messages"], model_input["response"], strict=True)
        rewards = self.scorer.score([Conversation(list(messages), response) for messages, response in pairs])
        return pd.DataFrame({"reward": [reward.reward for reward in rewards]})


mlflow.models.set_model(ServedRewardModel())
