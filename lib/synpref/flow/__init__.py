"""What the stages share: who answers, which models are trained, which gates are held, what is measured."""
