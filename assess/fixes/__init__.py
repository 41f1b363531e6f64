"""Safe patches of a project's own pipeline files: what would raise the configured level without a human's judgement.

Every patch is text on text, so that comments and layout stay, and is checked as data: what the changed file says must
be what the original says, but for exactly the change that was meant. What cannot be done safely is said, not tried.
"""
