"""One script a stage; `synpref <stage>` and `spark-submit jobs/<stage>.py` run the same code."""
