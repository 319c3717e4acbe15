def home():
    from pathlib import Path
    import os

    return Path(os.environ.get("FIGUREGROUND_HOME", "/tmp/fghome"))
