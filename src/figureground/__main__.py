"""python -m figureground"""

from figureground.cli import script

script()
